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
}
