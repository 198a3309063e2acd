import Tensors
import Testing

@Suite("BufferRecycler")
struct BufferRecyclerTests {
  @Test("batches of ever other sizes never hold more than the largest one took")
  func bounded() {
    let recycler = BufferRecycler()
    var largest = 0
    var generator = SplitMix64(seed: 4)
    for _ in 0..<200 {
      let rows = 900 + Int(generator.uniform() * 500)
      let live = (1...20).map { Matrix(rows: rows, columns: 16 * $0, recycler: recycler) }
      largest = max(largest, live.reduce(0) { $0 + $1.count * 4 })
    }
    // An eighth more for rounding up, and blocks up to twice as large as asked.
    #expect(recycler.idleBytes > 0 && recycler.idleBytes < largest * 9 / 4)
  }

  @Test("a freed block is used again")
  func reused() {
    let recycler = BufferRecycler()
    for _ in 0..<100 { _ = Matrix(rows: 100, columns: 1000, recycler: recycler) }
    #expect(recycler.idleBytes < 500_000)
    recycler.drain()
    #expect(recycler.idleBytes == 0)
  }

  @Test("a request finds its own block, whatever else is idle, and one up to twice as large")
  func found() {
    let recycler = BufferRecycler()
    let sizes = (0..<40).map { 1000 + 777 * $0 }
    func idleWhileInUse(_ sizes: [Int]) -> Int {
      let live = sizes.map { Matrix(rows: 1, columns: $0, recycler: recycler) }
      return withExtendedLifetime(live) { recycler.idleBytes }
    }
    #expect(idleWhileInUse(sizes) == 0)
    let idle = recycler.idleBytes
    #expect(idle >= sizes.reduce(0, +) * 4 && idle <= sizes.reduce(0, +) * 9 / 2)
    // All of them again, in another order: no new block.
    #expect(idleWhileInUse(sizes.reversed()) == 0)
    #expect(recycler.idleBytes == idle)
    // Nothing of this size is idle, but something of no more than twice that.
    let small = Matrix(rows: 1, columns: 1300, recycler: recycler)
    let taken = withExtendedLifetime(small) { idle - recycler.idleBytes }
    #expect(taken >= small.count * 4 && taken <= 8 * small.count)
  }
}
