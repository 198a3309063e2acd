public import Tensors

/// Everything that an adapter does to its base, by slot index: what it adds, and what it puts in place of the base's own.
public struct AdapterUpdates: Sendable {
  /// Low-rank updates.
  public let lowRank: [Int: LowRank]
  /// Whole weights in place of the base's, of the slot's `weightShape`.
  public let weights: [Int: Matrix]
  /// Biases in place of the base's, `(1, out)`.
  public let biases: [Int: Matrix]

  /// These updates, whose matrices must not be written to afterwards; by default none, which is the base alone.
  public init(
    lowRank: [Int: LowRank] = [:], weights: [Int: Matrix] = [:], biases: [Int: Matrix] = [:]
  ) {
    self.lowRank = lowRank
    self.weights = weights
    self.biases = biases
    slots = Set(lowRank.keys).union(weights.keys).union(biases.keys).sorted()
  }

  /// Indices of the slots that are changed, lowest first.
  public let slots: [Int]

  /// Indices of the slots where something stands in place of the base's own, or is added besides the factors, lowest first.
  public var wholeSlots: [Int] {
    slots.filter { weights[$0] != nil || biases[$0] != nil || lowRank[$0]?.bias != nil }
  }

  /// Values in all updates; a weight that two slots share counts once.
  public var parameterCount: Int {
    var distinct: [Matrix] = []
    for weight in weights.values where !distinct.contains(where: { $0.isSame(as: weight) }) {
      distinct.append(weight)
    }
    return lowRank.values.reduce(0) { $0 + $1.parameterCount }
      + (distinct + biases.values).reduce(0) { $0 + $1.count }
  }
}
