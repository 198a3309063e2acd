/// A place in a model where an adapter can attach: one linear layer.
public struct SlotInfo: Sendable, Equatable {
  /// The checkpoint's module path, as `named_modules()` spells it: `model.layers.0.self_attn.q_proj`.
  public let path: String
  /// Values that go in, a row.
  public let inputSize: Int
  /// Values that come out, a row.
  public let outputSize: Int
  /// Whether this is the output embedding, which `all-linear` leaves out.
  public let isHead: Bool
  /// The block's number; nil outside the blocks.
  public let layer: Int?

  /// A linear layer at `path`.
  public init(
    path: String, inputSize: Int, outputSize: Int, isHead: Bool = false, layer: Int? = nil
  ) {
    self.path = path
    self.inputSize = inputSize
    self.outputSize = outputSize
    self.isHead = isHead
    self.layer = layer
  }
}

/// All slots of a model, in the order of `named_modules()`; a slot is known by its index from here on.
public struct SlotTable: Sendable, Equatable {
  /// The slots, lowest layer first.
  public let slots: [SlotInfo]
  private let indices: [String: Int]

  /// A table of `slots`, in their order.
  public init(_ slots: [SlotInfo]) {
    self.slots = slots
    indices = Dictionary(
      slots.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The index of the slot at `path`, or nil where the model has no linear layer there.
  public func index(of path: String) -> Int? { indices[path] }

  /// How many slots there are.
  public var count: Int { slots.count }
}
