import Synchronization
import Tensors
import Testing

@Suite("WorkerPool")
struct WorkerPoolTests {
  @Test("runs every item exactly once, job after job", arguments: [1, 2, 3, 8])
  func everyItemOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    defer { pool.shutDown() }
    for job in 0..<3_000 {
      let count = job % 17
      let sum = Atomic<Int>(0)
      pool.forEach(count) { sum.wrappingAdd(1 << $0, ordering: .relaxed) }
      let expected = (1 << count) - 1
      if sum.load(ordering: .relaxed) != expected {
        Issue.record("job \(job): \(sum.load(ordering: .relaxed)) instead of \(expected)")
        return
      }
    }
  }

  @Test("blocks cover the range without a gap")
  func blocks() {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    let covered = Mutex([Int]())
    pool.forBlocks(of: 7, in: 30) { range in covered.withLock { $0 += Array(range) } }
    #expect(covered.withLock { $0.sorted() } == Array(0..<30))
  }
}
