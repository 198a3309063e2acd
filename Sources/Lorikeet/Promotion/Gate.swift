import Registry
import Training

/// What a version must reach before an alias moves to it: `accuracy >= previous`, `loss < base - 0.1`.
public struct Gate: Sendable, Equatable, CustomStringConvertible {
  /// How the two sides are held together.
  public enum Comparison: String, Sendable, CaseIterable {
    case atLeast = ">="
    case atMost = "<="
    case more = ">"
    case less = "<"

    func holds(_ value: Double, _ bound: Double) -> Bool {
      switch self {
      case .atLeast: value >= bound
      case .atMost: value <= bound
      case .more: value > bound
      case .less: value < bound
      }
    }
  }

  /// What the figure is held against.
  public enum Bound: Sendable, Equatable {
    /// A number.
    case number(Double)
    /// The same figure of the version that the alias names now, and so much more.
    case previous(plus: Double)
    /// The same figure of the base without an adapter, and so much more.
    case base(plus: Double)
  }

  /// The figure's name, as evaluations tell it.
  public let figure: String
  /// How it is held against the bound.
  public let comparison: Comparison
  /// What it is held against.
  public let bound: Bound

  /// The gate that `text` spells: `FIGURE >= BOUND`, where BOUND is a number, `previous` or `base`, the latter two
  /// also with `+ NUMBER` or `- NUMBER`.
  public init(_ text: String) throws {
    guard text.utf8.count <= 200,
      let comparison = Comparison.allCases.first(where: { text.contains($0.rawValue) }),
      let mark = text.firstRange(of: comparison.rawValue)
    else { throw Gate.misspelt(text) }
    let name = text[..<mark.lowerBound].filter { $0 != " " }
    guard Metrics.names.contains(name) else {
      throw WorkspaceError(
        .badRequest,
        "'\(name.prefix(40))' is no figure; there are " + Metrics.names.joined(separator: ", ")
          + didYouMean(name, among: Metrics.names))
    }
    figure = name
    self.comparison = comparison
    guard let bound = Gate.bound(text[mark.upperBound...].filter { $0 != " " }) else {
      throw Gate.misspelt(text)
    }
    self.bound = bound
  }

  private static func bound(_ text: String) -> Bound? {
    if let number = number(text) { return .number(number) }
    for (word, make) in [("previous", Bound.previous), ("base", Bound.base)] {
      guard text.hasPrefix(word) else { continue }
      let rest = text.dropFirst(word.count)
      if rest.isEmpty { return make(0) }
      guard rest.hasPrefix("+") || rest.hasPrefix("-") else { return nil }
      return number(String(rest)).map(make)
    }
    return nil
  }

  private static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "+-.eE0123456789".utf8.contains($0) }) else { return nil }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  private static func misspelt(_ text: String) -> WorkspaceError {
    WorkspaceError(
      .badRequest,
      "'\(text.prefix(80))' is no gate; write FIGURE >= BOUND, such as 'accuracy >= previous', "
        + "'loss < base - 0.1' or 'exactMatch >= 0.9'")
  }

  /// The gate as it is written.
  public var description: String {
    func word(_ word: String, _ more: Double) -> String {
      more == 0 ? word : "\(word) \(more < 0 ? "-" : "+") \(abs(more))"
    }
    let bound =
      switch self.bound {
      case .number(let value): "\(value)"
      case .previous(let more): word("previous", more)
      case .base(let more): word("base", more)
      }
    return "\(figure) \(comparison.rawValue) \(bound)"
  }
}
