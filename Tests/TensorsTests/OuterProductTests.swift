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
        (1, 1, 1), (70, 16, 130), (300, 33, 70), (290, 70, 65), (130, 97, 16), (65, 8, 33),
        (200, 50, 8), (3, 200, 200),
      ])
    func sums(rows: Int, left: Int, right: Int) {
      var g = SplitMix64(seed: UInt64(rows * left + right))
      let p = Matrix(rows: rows, columns: left, (0..<rows * left).map { _ in g.normal() })
      let q = Matrix(rows: rows, columns: right, (0..<rows * right).map { _ in g.normal() })
      func expected(_ value: (Float) -> Float) -> [Double] {
        var sums = [Double](repeating: 0, count: left * right)
        for t in 0..<rows {
          for m in 0..<left {
            for n in 0..<right {
              sums[m * right + n] += Double(value(p[t, m])) * Double(value(q[t, n]))
            }
          }
        }
        return sums
      }
      let (exact, ofRounded) = (expected { $0 }, expected(rounded))
      let pool = WorkerPool(threads: 2)
      defer { pool.shutDown() }
      let recycler = BufferRecycler()
      underEachVariant { variant in
        for isPrecise in [true, false] {
          let expected = isPrecise ? exact : ofRounded
          let c = Matrix(repeating: 7, rows: left, columns: right)
          for times in [1, 2] {
            c.setOuterProduct(
              OperandRows(Operand(p, recycler: recycler, pool: pool), 0..<rows),
              OperandRows(Operand(q, recycler: recycler, pool: pool), 0..<rows),
              precisely: isPrecise,
              accumulating: times > 1, pool: pool)
            let wanted = expected.map { Float(Double(times) * $0) }
            let difference = firstDifference(c.values, wanted, atol: 1e-4 * Float(times))
            #expect(difference == nil, "\(variant), \(isPrecise)")
          }
        }
      }
    }
  }
}
