import Models

/// What an adapter does to its base, layer by layer.
public struct CoverageReport: Sendable, Equatable {
  /// One adapted layer.
  public struct Entry: Sendable, Equatable {
    /// The layer's path.
    public let path: String
    /// Its index in the slot table.
    public let slot: Int
    /// The tensors of the file that went into it.
    public let tensors: [String]
    /// The update's inner size.
    public let rank: Int
    /// The update's scale.
    public let scale: Float
    /// Frobenius norm of the update, `||s B A||`.
    public let norm: Double
  }

  /// The adapted layers, lowest first.
  public let entries: [Entry]
  /// The base's other layers.
  public let untouched: [String]
  /// Names and patterns of the configuration that matched nothing.
  public let unused: [String]
  /// Values in all updates.
  public let parameterCount: Int
}

extension Adapter {
  /// Says which tensor went where, and how large each update is.
  public func coverage() throws(AdapterError) -> CoverageReport {
    let entries = deltas.sorted { $0.key < $1.key }.map { index, delta in
      let path = slots.slots[index].path
      return CoverageReport.Entry(
        path: path, slot: index, tensors: Factor.allCases.map { PEFTName.name(path, $0) },
        rank: delta.rank, scale: delta.scale, norm: delta.norm)
    }
    return CoverageReport(
      entries: entries,
      untouched: slots.slots.indices.filter { deltas[$0] == nil }.map { slots.slots[$0].path },
      unused: try TargetSelection(configuration, slots: slots).unused,
      parameterCount: parameterCount)
  }
}
