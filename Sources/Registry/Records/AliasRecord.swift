public import Foundation

/// Where an alias points.
public struct AliasRecord: Sendable, Hashable {
  /// The adapter's name.
  public let adapter: String
  /// The alias.
  public let alias: String
  /// The number of the version it names.
  public let version: Int

  /// An alias that names this version.
  public init(adapter: String, alias: String, version: Int) {
    self.adapter = adapter
    self.alias = alias
    self.version = version
  }
}

/// One move in the history of an alias.
public struct AliasMove: Sendable, Hashable {
  /// The kinds of moves.
  public enum Kind: String, Sendable, Hashable {
    /// Set to a version by name.
    case set
    /// Moved back.
    case rollback
    /// Taken away.
    case remove
  }

  /// The alias.
  public let alias: String
  /// What was done.
  public let kind: Kind
  /// The version it named from then on; nil after a removal.
  public let version: Int?
  /// The version it named before; nil where it was not set.
  public let previous: Int?
  /// When.
  public let at: Date
  /// By whom.
  public let actor: String

  static let columns = "alias, kind, number, previous, at, actor"

  init(_ row: inout Row) throws {
    alias = try row.text()
    let word = try row.text()
    version = try row.optional { try $0.integer() }
    previous = try row.optional { try $0.integer() }
    at = try row.date()
    actor = try row.text()
    guard let kind = Kind(rawValue: word) else {
      throw RegistryError(.damaged, "an alias made a move that we do not know; restore a backup")
    }
    self.kind = kind
  }
}
