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
  /// - Parameter remake: Computes the value again, where that is cheaper than to keep it for the backward.
  func result(
    _ value: Matrix, of inputs: Variable?..., remake: (() -> Matrix)? = nil
  ) -> Variable {
    let requiresGradient = isRecording && inputs.contains { $0?.requiresGradient ?? false }
    return Variable(
      value, requiresGradient: requiresGradient, remake: isRecording ? remake : nil)
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
      let gradient = matrix(variable.value.rows, variable.value.columns)
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
