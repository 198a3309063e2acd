public import Autograd

/// What adapters do to the rows of one batch, by slot index: everything that a forward pass needs to know of them.
public struct BatchUpdates {
  /// What is added to a slot's output.
  public var deltas: [Int: [LowRankDelta]]
  /// What stands in place of a slot's own weight or bias.
  public var replacements: [Int: [Replacement]]

  /// These updates; by default none, which is the base alone.
  public init(deltas: [Int: [LowRankDelta]] = [:], replacements: [Int: [Replacement]] = [:]) {
    self.deltas = deltas
    self.replacements = replacements
  }

  /// Whether adapters do nothing.
  var isEmpty: Bool { deltas.isEmpty && replacements.isEmpty }

  /// All at `slot`, where a linear layer stands.
  func layer(_ slot: Int) -> LayerUpdates {
    LayerUpdates(replacements: replacements(at: slot), deltas: deltas(at: slot))
  }

  /// The deltas at `slot`.
  func deltas(at slot: Int) -> [LowRankDelta] { deltas[slot] ?? [] }

  /// The replacements at `slot`.
  func replacements(at slot: Int) -> [Replacement] { replacements[slot] ?? [] }
}
