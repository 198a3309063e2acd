import Digests
import Foundation
public import Registry
public import Training

/// How a gate came out.
public struct GateResult: Sendable {
  /// The gate.
  public let gate: Gate
  /// The version's figure.
  public let value: Double
  /// What it was held against; nil where there is no previous version.
  public let bound: Double?
  /// Whether it holds; without a previous version there is nothing to fall behind.
  public var holds: Bool { bound.map { gate.comparison.holds(value, $0) } ?? true }

  /// `accuracy 0.685 >= 0.479 (previous)`, for people and the audit.
  public var text: String {
    let figure = "\(gate.figure) \(Self.short(value))"
    guard let bound else { return "\(figure), nothing before it" }
    let relation = holds ? gate.comparison.rawValue : "is not \(gate.comparison.rawValue)"
    let origin =
      switch gate.bound {
      case .number: ""
      case .previous: " (previous)"
      case .base: " (base)"
      }
    return "\(figure) \(relation) \(Self.short(bound))\(origin)"
  }

  private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}

/// What became of a promotion.
public struct PromotionOutcome: Sendable {
  /// The version.
  public let version: VersionRecord
  /// The alias.
  public let alias: String
  /// The version that the alias named before.
  public let previous: VersionRecord?
  /// The gates, in the order given.
  public let gates: [GateResult]
  /// The version against the previous one on the same rows; empty where there is none.
  public let tests: [PairedTest]
  /// Whether every gate holds, and the alias has moved.
  public var isPromoted: Bool { gates.allSatisfy(\.holds) }
}

extension Workspace {
  /// Measures the version that `reference` names on data, and points `alias` at it if every gate holds.
  ///
  /// What is compared with is measured on the same data with the same settings. The move and its line in the audit are
  /// one transaction, which changes nothing where the alias has been moved meanwhile; a refusal is a line too.
  public func promote(
    _ reference: String, alias: String, gates: [Gate], data: String,
    options: EvaluationOptions? = nil, progress: (String, Int, Int) -> Void = { _, _, _ in }
  ) throws -> PromotionOutcome {
    let version = try registry.version(reference)
    let previous = try previous(of: version, alias: Reference.checkedAlias(alias))
    let settings = try options ?? evaluationOptions(for: [version.reference])
    func measured(_ reference: String) throws -> EvaluationOutcome {
      try evaluate(
        reference, data: data, base: reference == Workspace.baseReference ? version.baseName : nil,
        options: settings, progress: { progress(reference, $0, $1) })
    }
    let now = try measured(version.reference)
    let before = try previous.map { try measured($0.reference) }
    let needsBase = gates.contains { if case .base = $0.bound { true } else { false } }
    let base = needsBase ? try measured(Workspace.baseReference) : nil
    let results = try gates.map { gate in
      let bound: Double? =
        switch gate.bound {
        case .number(let number): number
        case .previous(let more): try before.map { try $0.value(of: gate.figure) + more }
        case .base(let more): try base.map { try $0.value(of: gate.figure) + more }
        }
      return GateResult(gate: gate, value: try now.value(of: gate.figure), bound: bound)
    }
    let outcome = PromotionOutcome(
      version: version, alias: alias, previous: previous, gates: results,
      tests: before.map { EvaluationResults.compare($0.results, now.results) } ?? [])
    try settle(outcome, on: now.dataset)
    return outcome
  }

  private func previous(of version: VersionRecord, alias: String) throws -> VersionRecord? {
    let named = try registry.aliases(of: version.adapter).first { $0.alias == alias }
    return try named.map { try registry.version("\(version.adapter)@\($0.version)") }
  }

  private func settle(_ outcome: PromotionOutcome, on dataset: DatasetRecord) throws {
    let file = (dataset.path as NSString).lastPathComponent
    let reason =
      outcome.gates.map(\.text).joined(separator: "; ")
      + "; on \(dataset.rows) rows of \(file) \(dataset.digest.short)"
    guard outcome.isPromoted else {
      return try registry.refusePromotion(
        of: outcome.version.reference, alias: outcome.alias, because: reason)
    }
    try registry.promote(
      outcome.version.adapter, to: outcome.version.number, alias: outcome.alias,
      expecting: outcome.previous?.number, because: reason)
  }
}

extension EvaluationOutcome {
  /// The figure called `name`.
  func value(of name: String) throws -> Double {
    guard let found = metrics.figures.first(where: { $0.name == name }) else {
      throw WorkspaceError(
        .badRequest,
        "'\(dataset.path)' gives no \(name); it gives "
          + metrics.figures.map(\.name).joined(separator: ", "))
    }
    return found.value
  }
}
