public import Models
public import Tensors

/// What an adapter does to its base, layer by layer.
public struct CoverageReport: Sendable, Equatable {
  /// What is done to a layer.
  public enum Change: Sendable, Equatable {
    /// A low-rank update, `s B A`.
    case lowRank(rank: Int, scale: Float)
    /// A bias that is added to the layer's output, `s b`.
    case addedBias
    /// A bias in place of the base's own.
    case bias
    /// A whole weight in place of the base's own.
    case weight
  }

  /// One change of one layer.
  public struct Entry: Sendable, Equatable {
    /// The layer's path.
    public let path: String
    /// Its index in the slot table.
    public let slot: Int
    /// The tensors of the file that went into it.
    public let tensors: [String]
    /// What is done.
    public let change: Change
    /// Frobenius norm of the change; where `isOfValue`, of the new value.
    public let norm: Double
    /// Whether the base's own value was not at hand, so that only the new one could be measured.
    public let isOfValue: Bool
  }

  /// The changes, lowest layer first.
  public let entries: [Entry]
  /// The base's other layers.
  public let untouched: [String]
  /// Names and patterns of the configuration that matched nothing.
  public let unused: [String]
  /// Values in all updates.
  public let parameterCount: Int

  /// How many layers are changed.
  public var layerCount: Int { Set(entries.map(\.slot)).count }

  /// Whether the base's answers stay what they are, as far as was measured.
  public var isWithoutEffect: Bool { entries.allSatisfy { $0.norm == 0 && !$0.isOfValue } }
}

extension Adapter {
  /// Says which tensor went where, and how large each change is.
  /// - Parameter base: The base and the threads to measure with; without it a whole weight or bias is told by its own
  ///   norm, since what it stands in place of is not known here.
  public func coverage(
    over base: (model: Model, pool: WorkerPool)? = nil
  ) throws(AdapterError) -> CoverageReport {
    let selection = try TargetSelection(configuration, slots: slots)
    let plan = TensorPlan(configuration, selection: selection, slots: slots)
    let tensors = Dictionary(grouping: plan.places.filter { storage.holds($0.name) }, by: \.slot)
    let entries = updates.slots.flatMap { slot in
      measured(slot, over: base).map { change, parts, norm, isOfValue in
        CoverageReport.Entry(
          path: slots.slots[slot].path, slot: slot,
          tensors: (tensors[slot] ?? []).filter { parts.contains($0.part) }.map(\.name),
          change: change, norm: norm, isOfValue: isOfValue)
      }
    }
    let changed = Set(updates.slots)
    return CoverageReport(
      entries: entries,
      untouched: slots.slots.indices.filter { !changed.contains($0) }.map { slots.slots[$0].path },
      unused: selection.unused, parameterCount: parameterCount)
  }

  private typealias Measured = (
    change: CoverageReport.Change, parts: [TensorPlace.Part], norm: Double, isOfValue: Bool
  )

  /// The changes of one layer.
  private func measured(_ slot: Int, over base: (model: Model, pool: WorkerPool)?) -> [Measured] {
    var found: [Measured] = []
    if let delta = updates.lowRank[slot] {
      let change = CoverageReport.Change.lowRank(rank: delta.rank, scale: delta.scale)
      found.append((change, [.a, .b], delta.norm, false))
      if let bias = delta.bias {
        let norm = abs(Double(delta.scale)) * bias.sumOfSquares.squareRoot()
        found.append((.addedBias, [.addedBias], norm, false))
      }
    }
    if let bias = updates.biases[slot] {
      let norm = base.map { $0.model.distance(ofBias: bias, at: slot, pool: $0.pool) }
      found.append((.bias, [.bias], norm ?? bias.sumOfSquares.squareRoot(), norm == nil))
    }
    if let weight = updates.weights[slot] {
      let norm = base.map { $0.model.distance(ofWeight: weight, at: slot, pool: $0.pool) }
      found.append((.weight, [.weight], norm ?? weight.sumOfSquares.squareRoot(), norm == nil))
    }
    return found
  }
}
