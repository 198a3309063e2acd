import Models

extension UpdateComparison {
  /// Several layers together.
  public struct Summary: Sendable, Equatable {
    /// How many layers.
    public let layers: Int
    /// The norm of the first's updates together, `sqrt(sum of norm^2)`.
    public let firstNorm: Double
    /// The norm of the second's updates together.
    public let secondNorm: Double
    /// The cosine between the two as one long vector each; nil where one changes nothing.
    public let cosine: Double?
    /// The mean overlap of the spaces that the updates read from, over layers that both change.
    public let inputOverlap: Double?
    /// The mean overlap of the spaces that they write to.
    public let outputOverlap: Double?

    /// The summary of `comparisons`.
    public init(_ comparisons: [UpdateComparison]) {
      func norm(_ side: (UpdateComparison) -> Side?) -> Double {
        comparisons.reduce(0) { $0 + (side($1).map { $0.norm * $0.norm } ?? 0) }.squareRoot()
      }
      layers = comparisons.count
      firstNorm = norm(\.first)
      secondNorm = norm(\.second)
      let product = comparisons.reduce(0.0) { sum, layer in
        sum + (layer.relation?.cosine ?? 0) * (layer.first?.norm ?? 0) * (layer.second?.norm ?? 0)
      }
      cosine = firstNorm > 0 && secondNorm > 0 ? product / (firstNorm * secondNorm) : nil
      let relations = comparisons.compactMap(\.relation)
      func mean(_ value: (Relation) -> Double) -> Double? {
        relations.isEmpty ? nil : relations.reduce(0) { $0 + value($1) } / Double(relations.count)
      }
      inputOverlap = mean(\.input.overlap)
      outputOverlap = mean(\.output.overlap)
    }
  }

  /// The last word of the layer's path: `q_proj`.
  public var module: String { slot.path.split(separator: ".").last.map(String.init) ?? slot.path }

  /// The layers of each module, in the order in which modules come first.
  public static func byModule(_ layers: [UpdateComparison]) -> [(name: String, summary: Summary)] {
    grouped(layers) { $0.module }
  }

  /// The layers of each block, lowest first; layers outside the blocks are left out.
  public static func byBlock(_ layers: [UpdateComparison]) -> [(name: String, summary: Summary)] {
    grouped(layers.filter { $0.slot.layer != nil }) { "\($0.slot.layer ?? 0)" }
  }

  private static func grouped(
    _ layers: [UpdateComparison], by name: (UpdateComparison) -> String
  ) -> [(name: String, summary: Summary)] {
    var names: [String] = []
    var groups: [String: [UpdateComparison]] = [:]
    for layer in layers {
      let key = name(layer)
      if groups[key] == nil { names.append(key) }
      groups[key, default: []].append(layer)
    }
    return names.map { ($0, Summary(groups[$0] ?? [])) }
  }
}
