import CKernels
import Expect
import Tensors
import Testing

/// The gradient of a thin factor against sums in double, in every variant.
extension KernelVariantTests {
  @Suite("Outer products")
  struct OuterProductTests {
    @Test(
      "are summed over the rows",
      arguments: [
        (1, 1, 1), (70, 16, 130), (130, 97, 16), (65, 8, 33), (200, 50, 8), (3, 200, 200),
      ])
    func sums(rows: Int, left: Int, right: Int) {
      var g = SplitMix64(seed: UInt64(rows * left + right))
      let p = Matrix(rows: rows, columns: left, (0..<rows * left).map { _ in g.normal() })
      let q = Matrix(rows: rows, columns: right, (0..<rows * right).map { _ in g.normal() })
      var expected = [Double](repeating: 0, count: left * right)
      for t in 0..<rows {
        for m in 0..<left {
          for n in 0..<right { expected[m * right + n] += Double(p[t, m]) * Double(q[t, n]) }
        }
      }
      let pool = WorkerPool(threads: 2)
      defer { pool.shutDown() }
      underEachVariant { variant in
        let c = Matrix(repeating: 7, rows: left, columns: right)
        c.setOuterProduct(p, q, accumulating: false, pool: pool)
        #expect(
          firstDifference(c.values, expected.map { Float($0) }, atol: 1e-4) == nil, "\(variant)")
        c.setOuterProduct(p, q, accumulating: true, pool: pool)
        #expect(
          firstDifference(c.values, expected.map { Float(2 * $0) }, atol: 2e-4) == nil, "\(variant)"
        )
      }
    }
  }
}
