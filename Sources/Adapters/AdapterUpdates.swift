import Autograd
public import Models
public import Tensors

/// Everything that an adapter does to its base, by slot index: what it adds, and what it puts in place of the base's own.
public struct AdapterUpdates: Sendable {
  /// Low-rank updates.
  public let lowRank: [Int: LowRank]
  /// Whole weights in place of the base's, of the slot's `weightShape`.
  public let weights: [Int: Matrix]
  /// Biases in place of the base's, `(1, out)`.
  public let biases: [Int: Matrix]
  private let frozen: [Int: FrozenWeight]

  /// These updates, whose matrices must not be written to afterwards; by default none, which is the base alone.
  public init(
    lowRank: [Int: LowRank] = [:], weights: [Int: Matrix] = [:], biases: [Int: Matrix] = [:]
  ) {
    self.lowRank = lowRank
    self.weights = weights
    self.biases = biases
    frozen = weights.mapValues { FrozenWeight($0) }
    slots = Set(lowRank.keys).union(weights.keys).union(biases.keys).sorted()
  }

  /// These updates for `rows` of a batch.
  public func applied(to rows: Range<Int>) -> BatchUpdates {
    var batch = BatchUpdates()
    add(to: &batch, rows: rows)
    return batch
  }

  /// Adds these updates, for `rows`, to those that a batch has for other rows.
  /// - Parameter slot: The only slot that is asked for; nil for all.
  public func add(to batch: inout BatchUpdates, rows: Range<Int>, at slot: Int? = nil) {
    for slot in slot.map({ [$0] }) ?? slots {
      if let delta = lowRank[slot] {
        batch.deltas[slot, default: []].append(delta.applied(to: rows))
      }
      if frozen[slot] != nil || biases[slot] != nil {
        batch.replacements[slot, default: []].append(
          Replacement(rows: rows, weight: frozen[slot], bias: biases[slot]))
      }
    }
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

  /// Bytes that the updates take in memory: as floats, and the factors in bf16 besides, as packed products read them.
  public var byteCount: Int {
    parameterCount * 4 + lowRank.values.reduce(0) { $0 + ($1.a.count + $1.b.count) * 2 }
  }

  /// Makes the packed forms that a forward pass over a packed base reads, so that the first one need not wait for them.
  public func prepare() {
    for delta in lowRank.values { delta.prepare() }
  }
}
