import CKernels
import Expect
import Tensors
import Testing

/// Factors that are computed row by row, in each form that products read.
@Suite struct OperandTests {
  private let pool = WorkerPool(threads: 2)
  private let recycler = BufferRecycler()

  private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
    Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
  }

  /// What a weight of `format` makes of `x`, alone and with an adapter's product beside it.
  private func product(
    _ x: Operand, _ format: WeightFormat, _ weights: Matrix, _ factor: Factor, isUpdated: Bool
  ) -> [Float] {
    let weight = FrozenWeight(
      StoredRows(weights), format: format, arena: WeightArena(), pool: pool)
    let y = Matrix(rows: x.rows, columns: weights.rows)
    weight.prepare(x, isUpdated: isUpdated)
    weight.apply(x, rows: 0..<x.rows, into: y, pool: pool)
    guard isUpdated else { return y.values }
    let low = Matrix(rows: x.rows, columns: factor.rows)
    weight.multiply(
      [
        LowRankProduct(
          x, rows: 0..<x.rows, by: factor, .transposed, scale: 2, into: low)
      ], pool: pool)
    return y.values + low.values
  }

  @Test(
    "give the bits that their values give, and have them however they are asked",
    arguments: WeightFormat.allCases, [1, 5, 40])
  func computed(format: WeightFormat, rows: Int) {
    var g = SplitMix64(seed: 5)
    let width = 288
    let (x, up) = (random(rows, width, &g), random(rows, width, &g))
    let (weights, scales) = (random(70, width, &g), random(1, width, &g))
    let factor = Factor(random(4, width, &g))
    let inverseRMS = Matrix(repeating: 0, rows: rows, columns: 1)
    func norm() -> Operand {
      Operand(
        normOf: x, weight: scales, epsilon: 1e-5, inverseRMS: inverseRMS, recycler: recycler,
        pool: pool)
    }
    func swiGLU() -> Operand { Operand(swiGLUOf: x, up: up, recycler: recycler, pool: pool) }
    for make in [norm, swiGLU] {
      let values = make().values
      let plain = Operand(values, recycler: recycler, pool: pool)
      for isUpdated in [false, true] {
        let expected = product(plain, format, weights, factor, isUpdated: isUpdated)
        #expect(
          product(make(), format, weights, factor, isUpdated: isUpdated) == expected)
        let asked = make()
        #expect(asked.values.values == values.values)
        #expect(product(asked, format, weights, factor, isUpdated: isUpdated) == expected)
        #expect(asked.values.values == values.values)
      }
    }
    for row in 0..<rows {
      let sum = (0..<width).reduce(Float(0)) { $0 + x[row, $1] * x[row, $1] }
      let wanted = 1 / (sum / Float(width) + 1e-5).squareRoot()
      #expect(abs(inverseRMS[row, 0] - wanted) < 1e-5 * wanted)
      #expect(abs(norm().values[row, 7] - x[row, 7] * wanted * scales[0, 7]) < 1e-4)
    }
  }
}
