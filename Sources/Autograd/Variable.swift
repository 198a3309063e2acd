public import Tensors

/// A value in a computation and, where something is learnt from it, the gradient that flows back to it.
///
/// A copy is the same variable. Where nothing is learnt it is no more than its value: a step of decoding makes hundreds.
public struct Variable {
  private enum Form {
    case plain(Matrix)
    case node(Node)
  }

  private let form: Form

  /// What is learnt from, or can be made again.
  private final class Node {
    var stored: Matrix?
    let remake: (() -> Matrix)?
    var gradient: Matrix?
    var operand: Operand?
    let requiresGradient: Bool

    init(_ value: Matrix, _ requiresGradient: Bool, _ remake: (() -> Matrix)?) {
      stored = value
      self.remake = remake
      self.requiresGradient = requiresGradient
    }

    var value: Matrix {
      if let stored { return stored }
      guard let remake else { preconditionFailure("Variable: the value is gone") }
      let made = remake()
      stored = made
      return made
    }
  }

  /// A value that nothing is learnt from, or (`trainable`) a parameter.
  public init(_ value: Matrix, trainable: Bool = false) {
    self.init(value, requiresGradient: trainable)
  }

  /// - Parameter remake: Computes the value again, to the same bits, from what is kept anyway.
  init(_ value: Matrix, requiresGradient: Bool, remake: (() -> Matrix)? = nil) {
    let isPlain = !requiresGradient && remake == nil
    form = isPlain ? .plain(value) : .node(Node(value, requiresGradient, remake))
  }

  private var node: Node? {
    if case .node(let node) = form { node } else { nil }
  }

  /// The value, `(rows, columns)`.
  public var value: Matrix {
    switch form {
    case .plain(let value): value
    case .node(let node): node.value
    }
  }

  /// Whether anything trainable lies at or below this value.
  public var requiresGradient: Bool { node?.requiresGradient ?? false }

  /// The gradient of the loss with respect to `value`, once a backward has reached it.
  public internal(set) var gradient: Matrix? {
    get { node?.gradient }
    nonmutating set { node?.gradient = newValue }
  }

  /// The value as a factor of products, with the copies that they make of it: kept where it is a node's.
  func operand(_ recycler: BufferRecycler) -> Operand {
    if let kept = node?.operand { return kept }
    let made = Operand(value, recycler: recycler)
    node?.operand = made
    return made
  }

  /// Lets go of the value if it can be made again: its forward is over, and its backward is far away.
  public func release() {
    guard let node, node.remake != nil else { return }
    node.stored = nil
    node.operand = nil
  }

  /// Drops the gradient, so that the next backward starts from nothing.
  public func clearGradient() { gradient = nil }
}
