public import Tensors

/// A value in a computation and, where something is learnt from it, the gradient that flows back to it.
///
/// A copy is the same variable. Where nothing is learnt it is no more than its value: a step of decoding makes hundreds.
public struct Variable {
  private enum Form {
    case plain(Matrix)
    /// Computed when it is asked for, in the form that it is asked for.
    case computed(Operand)
    case node(Node)
  }

  /// What is learnt from, or can be computed again.
  private final class Node {
    enum Source {
      case stored(Matrix)
      case computed(() -> Operand)
    }

    let source: Source
    let requiresGradient: Bool
    var gradient: Matrix?
    var operand: Operand?

    init(_ source: Source, _ requiresGradient: Bool) {
      self.source = source
      self.requiresGradient = requiresGradient
    }

    var value: Matrix {
      switch source {
      case .stored(let value): value
      case .computed(let compute): kept(compute).values
      }
    }

    var shape: (rows: Int, columns: Int) {
      switch source {
      case .stored(let value): (value.rows, value.columns)
      case .computed(let compute): (kept(compute).rows, kept(compute).columns)
      }
    }

    func operand(on tape: Tape) -> Operand {
      switch source {
      case .stored(let value):
        kept { Operand(value, recycler: tape.recycler, pool: tape.pool) }
      case .computed(let compute): kept(compute)
      }
    }

    private func kept(_ make: () -> Operand) -> Operand {
      if let operand { return operand }
      let made = make()
      operand = made
      return made
    }
  }

  private let form: Form

  /// A value that nothing is learnt from, or (`trainable`) a parameter.
  public init(_ value: Matrix, trainable: Bool = false) {
    self.init(value, requiresGradient: trainable)
  }

  init(_ value: Matrix, requiresGradient: Bool) {
    form = requiresGradient ? .node(Node(.stored(value), true)) : .plain(value)
  }

  /// A value that nothing is learnt from.
  init(_ operand: Operand) { form = .computed(operand) }

  /// - Parameter compute: Gives the value, each time to the same bits, from what is kept anyway.
  init(requiresGradient: Bool, _ compute: @escaping () -> Operand) {
    form = .node(Node(.computed(compute), requiresGradient))
  }

  private var node: Node? {
    if case .node(let node) = form { node } else { nil }
  }

  /// The value, `(rows, columns)`.
  public var value: Matrix {
    switch form {
    case .plain(let value): value
    case .computed(let operand): operand.values
    case .node(let node): node.value
    }
  }

  /// The value's, whether it has been computed or not.
  var shape: (rows: Int, columns: Int) {
    switch form {
    case .plain(let value): (value.rows, value.columns)
    case .computed(let operand): (operand.rows, operand.columns)
    case .node(let node): node.shape
    }
  }

  /// Whether anything trainable lies at or below this value.
  public var requiresGradient: Bool { node?.requiresGradient ?? false }

  /// The gradient of the loss with respect to `value`, once a backward has reached it.
  public internal(set) var gradient: Matrix? {
    get { node?.gradient }
    nonmutating set { node?.gradient = newValue }
  }

  /// The value as a factor of products, with the forms that they make of it: kept unless the value is plain.
  func operand(on tape: Tape) -> Operand {
    switch form {
    case .plain(let value): Operand(value, recycler: tape.recycler, pool: tape.pool)
    case .computed(let operand): operand
    case .node(let node): node.operand(on: tape)
    }
  }

  /// Lets go of all forms of the value if it can be computed again: its forward is over, and its backward is far away.
  public func release() {
    if let node, case .computed = node.source { node.operand = nil }
  }

  /// Drops the gradient, so that the next backward starts from nothing.
  public func clearGradient() { gradient = nil }
}
