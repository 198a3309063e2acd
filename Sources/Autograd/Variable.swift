public import Tensors

/// A value in a computation, and the gradient that flows back to it.
public final class Variable {
  private var stored: Matrix?
  private let remake: (() -> Matrix)?
  /// The gradient of the loss with respect to `value`, once a backward has reached it.
  public internal(set) var gradient: Matrix?
  /// The value as a factor of products, once one has read it.
  var operand: Operand?
  /// Whether anything trainable lies at or below this value.
  public let requiresGradient: Bool

  /// A value that nothing is learnt from, or (`trainable`) a parameter.
  public convenience init(_ value: Matrix, trainable: Bool = false) {
    self.init(value, requiresGradient: trainable)
  }

  /// - Parameter remake: Computes the value again, to the same bits, from what is kept anyway.
  init(_ value: Matrix, requiresGradient: Bool, remake: (() -> Matrix)? = nil) {
    stored = value
    self.remake = remake
    self.requiresGradient = requiresGradient
  }

  /// The value, `(rows, columns)`.
  public var value: Matrix {
    if let stored { return stored }
    guard let remake else { preconditionFailure("Variable: the value is gone") }
    let made = remake()
    stored = made
    return made
  }

  /// Lets go of the value if it can be made again: its forward is over, and its backward is far away.
  public func release() {
    guard remake != nil else { return }
    stored = nil
    operand = nil
  }

  /// Drops the gradient, so that the next backward starts from nothing.
  public func clearGradient() { gradient = nil }
}
