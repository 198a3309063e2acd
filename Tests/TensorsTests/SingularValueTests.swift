import Expect
import Tensors
import Testing

@Suite("Singular values") struct SingularValueTests {
  @Test(
    "the factors are orthonormal and make the matrix again",
    arguments: [(1, 1), (5, 3), (3, 5), (40, 7), (7, 40), (16, 16)])
  func reconstruction(rows: Int, columns: Int) throws {
    var g = SplitMix64(seed: UInt64(rows * 100 + columns))
    let m = Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
    let pool = WorkerPool(threads: 1)
    defer { pool.shutDown() }
    let svd = try m.singularValueDecomposition()
    let k = min(rows, columns)
    #expect(svd.values == svd.values.sorted(by: >) && svd.values.count == k)
    let scaled = svd.right.copied()
    for row in 0..<k { scaled.rows(row..<row + 1).scale(by: svd.values[row]) }
    let again = Matrix(rows: rows, columns: columns)
    again.setProduct(svd.left, .plain, scaled, .plain, pool: pool)
    #expect(firstDifference(again.values, m.values, rtol: 1e-5) == nil)
    for (factor, orientation) in [(svd.left, Orientation.transposed), (svd.right, .plain)] {
      let gram = Matrix(rows: k, columns: k)
      gram.setProduct(
        factor, orientation, factor, orientation == .plain ? .transposed : .plain, pool: pool)
      let identity = (0..<k * k).map { $0 / k == $0 % k ? Float(1) : 0 }
      #expect(firstDifference(gram.values, identity, atol: 1e-5) == nil)
    }
  }

  @Test("nothing has no singular values, and what is not finite is refused")
  func edges() throws {
    #expect(try Matrix(rows: 0, columns: 4).singularValueDecomposition().values.isEmpty)
    #expect(
      try Matrix(repeating: 0, rows: 3, columns: 2).singularValueDecomposition().values == [0, 0])
    let bad = Matrix(rows: 1, columns: 2, [1, .infinity])
    #expect(throws: TensorError.self) { try bad.singularValueDecomposition() }
  }
}
