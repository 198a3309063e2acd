public import Tensors

/// A record of operations, played backwards to get gradients.
///
/// Operations are coarse (a whole linear layer, a whole attention) and live in `Tape+….swift`, forward and backward
/// side by side. A forward records its backward only where some input requires a gradient, so nothing is
/// kept, and nothing computed, below the lowest trainable slot. Where the tape does not record at all (inference), it
/// is no more than a source of buffers.
public final class Tape {
  /// Who does the work.
  public let pool: WorkerPool
  /// Where buffers come from and go back to.
  public let recycler: BufferRecycler
  /// Whether operations record their backward.
  public let isRecording: Bool
  private var steps: [() -> Void] = []

  /// An empty record.
  public init(pool: WorkerPool, recycler: BufferRecycler, recording: Bool) {
    self.pool = pool
    self.recycler = recycler
    isRecording = recording
  }

  /// A matrix from the recycler, values not set.
  public func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, recycler: recycler)
  }

  /// The result of an operation on `inputs`; it requires a gradient if recording and any input does.
  func result(_ value: Matrix, of inputs: Variable...) -> Variable {
    Variable(value, requiresGradient: isRecording && inputs.contains(where: \.requiresGradient))
  }

  /// The same for what is computed when it is asked for, in the form that it is asked for; once it has been released, again:
  /// that is cheaper than to keep it for the backward.
  func result(of inputs: Variable..., computing compute: @escaping () -> Operand) -> Variable {
    guard isRecording else { return Variable(compute()) }
    return Variable(requiresGradient: inputs.contains(where: \.requiresGradient), compute)
  }

  /// Records `backward`, which receives the gradient of `output`, where that is needed.
  ///
  /// The output's gradient is released when its backward is done, and so is what the backward captured.
  func record(_ output: Variable, _ backward: @escaping (Matrix) -> Void) {
    guard output.requiresGradient else { return }
    steps.append {
      guard let gradient = output.gradient else { return }  // nothing depended on this output
      output.gradient = nil
      backward(gradient)
    }
  }

  /// Hands `contribution` to `variable`'s gradient: `write(into, accumulating)` writes it or adds it.
  func accumulate(_ variable: Variable, _ write: (Matrix, Bool) -> Void) {
    guard variable.requiresGradient else { return }
    if let gradient = variable.gradient {
      write(gradient, true)
    } else {
      let shape = variable.shape
      let gradient = matrix(shape.rows, shape.columns)
      write(gradient, false)
      variable.gradient = gradient
    }
  }

  /// Hands over `gradient` itself, which nobody else will use any more.
  func give(_ gradient: Matrix, to variable: Variable) {
    guard variable.requiresGradient else { return }
    if let present = variable.gradient {
      present.add(gradient, pool: pool)
    } else {
      variable.gradient = gradient
    }
  }

  /// Sets the gradient of `output`, the derivative of the loss with respect to it, before a backward.
  public func seed(_ output: Variable, with gradient: Matrix) {
    precondition(gradient.count == output.value.count, "Tape: seed's shape differs")
    give(gradient, to: output)
  }

  /// Runs every recorded backward, last first, and forgets it.
  public func backward() {
    while let step = steps.popLast() { step() }
  }
}
