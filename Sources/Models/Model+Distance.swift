public import Tensors

extension Model {
  /// How far `weight`, of the slot's own shape, is from what the base has there: `||W' - W||`, by Frobenius.
  public func distance(ofWeight weight: Matrix, at slot: Int, pool: WorkerPool) -> Double {
    guard let own = projection(at: slot)?.weight else { return Model.norm(weight) }
    precondition(
      own.outputSize == weight.rows && own.inputSize == weight.columns, "distance: shapes differ")
    let piece = 256
    var sum = 0.0
    for first in stride(from: 0, to: weight.rows, by: piece) {
      let rows = first..<min(weight.rows, first + piece)
      let difference = Matrix(rows: rows.count, columns: weight.columns)
      own.gather(rows.map(Int32.init), into: difference)
      difference.scale(by: -1)
      difference.add(weight.rows(rows), pool: pool)
      sum += difference.sumOfSquares
    }
    return sum.squareRoot()
  }

  /// How far `bias`, `(1, out)`, is from what the base adds at `slot`: `||b' - b||`, with b = 0 where it adds nothing.
  public func distance(ofBias bias: Matrix, at slot: Int, pool: WorkerPool) -> Double {
    guard let own = projection(at: slot)?.bias else { return Model.norm(bias) }
    let difference = own.copied()
    difference.scale(by: -1)
    difference.add(bias, pool: pool)
    return Model.norm(difference)
  }

  private static func norm(_ matrix: Matrix) -> Double { matrix.sumOfSquares.squareRoot() }
}
