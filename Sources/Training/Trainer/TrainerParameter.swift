import Autograd
import Tensors

/// One trainable matrix and its optimizer state.
struct TrainerParameter {
  /// `a` or `b`.
  enum Half { case a, b }

  let slot: Int
  let half: Half
  let variable: Variable
  let firstMoment: Matrix
  let secondMoment: Matrix

  init(slot: Int, half: Half, value: Matrix) {
    self.slot = slot
    self.half = half
    variable = Variable(value.copied(), trainable: true)
    firstMoment = Matrix(repeating: 0, rows: value.rows, columns: value.columns)
    secondMoment = Matrix(repeating: 0, rows: value.rows, columns: value.columns)
  }
}
