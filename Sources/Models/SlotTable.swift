/// A place in a model where an adapter can attach: one linear layer, or the embedding.
public struct SlotInfo: Sendable, Equatable {
  /// What stands there.
  public enum Kind: Sendable, Equatable {
    /// A linear layer of a block.
    case linear
    /// The output embedding, a linear layer that `all-linear` leaves out.
    case head
    /// The input embedding, which takes one token and gives its row.
    case embedding
  }

  /// The checkpoint's module path, as `named_modules()` spells it: `model.layers.0.self_attn.q_proj`.
  public let path: String
  /// Values that go in, a row; the vocabulary's size, for the embedding.
  public let inputSize: Int
  /// Values that come out, a row.
  public let outputSize: Int
  /// What stands there.
  public let kind: Kind
  /// Whether the base adds a bias there.
  public let hasBias: Bool
  /// The block's number; nil outside the blocks.
  public let layer: Int?

  /// A layer at `path`.
  public init(
    path: String, inputSize: Int, outputSize: Int, kind: Kind = .linear, hasBias: Bool = false,
    layer: Int? = nil
  ) {
    self.path = path
    self.inputSize = inputSize
    self.outputSize = outputSize
    self.kind = kind
    self.hasBias = hasBias
    self.layer = layer
  }

  /// Rows and columns of the layer's weight: `(out, in)`, or for the embedding one row a token.
  public var weightShape: [Int] {
    kind == .embedding ? [inputSize, outputSize] : [outputSize, inputSize]
  }
}

/// All slots of a model: linear layers in the order of `named_modules()`, then the embedding.
///
/// A slot is known by its index from here on.
public struct SlotTable: Sendable, Equatable {
  /// The slots, lowest layer first.
  public let slots: [SlotInfo]
  /// Whether the base's head is its embedding: one weight for two slots.
  public let tiesHead: Bool
  /// The paths of the modules that are no slot, as transformers names them: what PEFT's rules could match by mistake.
  public let otherModules: [String]
  private let indices: [String: Int]

  /// A table of `slots`, in their order.
  public init(_ slots: [SlotInfo], tiesHead: Bool = false) {
    self.slots = slots
    self.tiesHead = tiesHead
    indices = Dictionary(
      slots.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { first, _ in first })
    otherModules = SlotTable.otherModules(slots, isSlot: { [indices] in indices[$0] != nil })
  }

  /// The index of the slot at `path`, or nil where the model has none there.
  public func index(of path: String) -> Int? { indices[path] }

  /// The index of the only slot of a kind that a model has one of; nil where it has none.
  public func index(of kind: SlotInfo.Kind) -> Int? { slots.firstIndex { $0.kind == kind } }

  /// How many slots there are.
  public var count: Int { slots.count }
}

extension SlotTable {
  /// The modules around `slots`: those that they lie in, and the decoder's own.
  private static func otherModules(
    _ slots: [SlotInfo], isSlot: (String) -> Bool
  ) -> [String] {
    var seen: Set<String> = []
    var found: [String] = []
    func add(_ path: String) {
      if !isSlot(path), seen.insert(path).inserted { found.append(path) }
    }
    for slot in slots {
      let parts = slot.path.split(separator: ".", omittingEmptySubsequences: false)
      for length in 1..<max(1, parts.count) { add(parts.prefix(length).joined(separator: ".")) }
      guard parts.count > 3, parts[0] == "model", parts[1] == "layers" else { continue }
      let block = parts.prefix(3).joined(separator: ".")
      for name in ["input_layernorm", "post_attention_layernorm", "mlp.act_fn"] {
        add(block + "." + name)
      }
      for name in ["model.embed_tokens", "model.norm", "model.rotary_emb"] { add(name) }
    }
    return found
  }
}
