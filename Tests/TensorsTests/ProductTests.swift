import CKernels
import COpenBLAS
import Expect
import Tensors
import Testing

// Inside the suite that forces variants: another variant half-way through a comparison would give other bits.
extension KernelVariantTests {
  @Suite("Products")
  struct ProductTests {
    @Test(
      "of floats have OpenBLAS's kernels for this processor, though it be newer than the library")
    func core() throws {
      _ = WorkerPool(threads: 1)
      let name = unsafe String(cString: try #require(openblas_get_corename()))
      #expect(name != "Prescott" || ck_best_variant() == CK_PORTABLE)
    }

    private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
    }

    private func naive(_ a: Matrix, _ b: Matrix) -> [Float] {
      (0..<a.rows).flatMap { i in
        (0..<b.columns).map { j in
          Float((0..<a.columns).reduce(0.0) { $0 + Double(a[i, $1]) * Double(b[$1, j]) })
        }
      }
    }

    private func transposed(_ m: Matrix) -> Matrix {
      let t = Matrix(rows: m.columns, columns: m.rows)
      for i in 0..<m.rows { for j in 0..<m.columns { t[j, i] = m[i, j] } }
      return t
    }

    @Test(
      "equal the naive sum in every orientation",
      arguments: [(1, 1, 1), (3, 5, 7), (13, 31, 17), (49, 12, 65), (300, 16, 33), (2, 129, 300)])
    func orientations(m: Int, n: Int, k: Int) {
      var g = SplitMix64(seed: UInt64(m * 31 + n))
      let pool = WorkerPool(threads: 2)
      defer { pool.shutDown() }
      let (a, b) = (random(m, k, &g), random(k, n, &g))
      let expected = naive(a, b)
      for (left, leftOrientation) in [(a, Orientation.plain), (transposed(a), .transposed)] {
        for (right, rightOrientation) in [(b, Orientation.plain), (transposed(b), .transposed)] {
          let c = Matrix(repeating: 1, rows: m, columns: n)
          c.setProduct(
            left, leftOrientation, right, rightOrientation, scale: 2, accumulating: true, pool: pool
          )
          #expect(
            firstDifference(c.values, expected.map { 2 * $0 + 1 }, atol: 1e-5, rtol: 1e-5) == nil)
        }
      }
    }

    @Test(
      "are the same bits with one, two and five threads",
      arguments: [
        (1, 576, 1536), (1024, 192, 576), (333, 1536, 576), (16, 576, 576), (100, 192, 576),
        (1024, 576, 64), (16, 1536, 700),
      ])
    func threads(m: Int, n: Int, k: Int) {
      var g = SplitMix64(seed: 3)
      let (x, w) = (random(m, k, &g), random(n, k, &g))
      let results = [1, 2, 5].map { threads in
        let pool = WorkerPool(threads: threads)
        defer { pool.shutDown() }
        let y = Matrix(rows: m, columns: n)
        y.setProduct(x, .plain, w, .transposed, pool: pool)
        let z = Matrix(rows: m, columns: n)
        apply(FrozenWeight(w), x, into: z, pool)
        return y.values + z.values
      }
      #expect(results[0] == results[1] && results[0] == results[2])
    }

    @Test(
      "a few rows with a frozen weight equal the same rows one by one",
      arguments: [1, 2, 5, 8, 17, 32])
    func fewRows(rows: Int) {
      var g = SplitMix64(seed: UInt64(rows))
      let pool = WorkerPool(threads: 2)
      defer { pool.shutDown() }
      let (x, w) = (random(rows, 77, &g), random(130, 77, &g))
      let weight = FrozenWeight(w)
      let together = Matrix(rows: rows, columns: 130)
      apply(weight, x, into: together, pool)
      for row in 0..<rows {
        let alone = Matrix(rows: 1, columns: 130)
        apply(weight, x.rows(row..<row + 1), into: alone, pool)
        #expect(alone.values == together.rows(row..<row + 1).values)
      }
      #expect(firstDifference(together.values, naive(x, transposed(w)), rtol: 1e-5) == nil)
    }

    private func apply(_ weight: FrozenWeight, _ x: Matrix, into y: Matrix, _ pool: WorkerPool) {
      let recycler = BufferRecycler()
      weight.apply(
        Operand(x, recycler: recycler, pool: pool), rows: 0..<x.rows, into: y, pool: pool)
    }
  }
}
