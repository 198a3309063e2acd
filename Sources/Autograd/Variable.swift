public import Tensors

/// A value in a computation, and the gradient that flows back to it.
public final class Variable {
  /// The value, `(rows, columns)`.
  public let value: Matrix
  /// The gradient of the loss with respect to `value`, once a backward has reached it.
  public internal(set) var gradient: Matrix?
  /// The value as a factor of products, once one has read it.
  var operand: Operand?
  /// Whether anything trainable lies at or below this value.
  public let requiresGradient: Bool

  /// A value that nothing is learnt from, or (`trainable`) a parameter.
  public init(_ value: Matrix, trainable: Bool = false) {
    self.value = value
    requiresGradient = trainable
  }

  init(_ value: Matrix, requiresGradient: Bool) {
    self.value = value
    self.requiresGradient = requiresGradient
  }

  /// Drops the gradient, so that the next backward starts from nothing.
  public func clearGradient() { gradient = nil }
}
