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

  /// Those of a group's layers; none at all where adapters do nothing.
  func updates(of group: ProjectionGroup) -> [LayerUpdates] {
    if deltas.isEmpty && replacements.isEmpty { return [] }
    return group.projections.map {
      LayerUpdates(replacements: replacements(at: $0.slot), deltas: deltas(at: $0.slot))
    }
  }

  /// The deltas at `slot`.
  func deltas(at slot: Int) -> [LowRankDelta] { deltas[slot] ?? [] }

  /// The replacements at `slot`.
  func replacements(at slot: Int) -> [Replacement] { replacements[slot] ?? [] }
}
