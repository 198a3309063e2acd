import Digests
public import Foundation

/// A key to be added.
public struct NewKey: Sendable, Hashable {
  /// What to call it: the rules are those of adapters' names.
  public var name: String
  /// The adapters it opens: `*` (all, and the base), `acme/*` (a namespace), a name, or `base` (the base alone).
  public var scopes: [String]
  /// Whether it may change the registry.
  public var isAdmin: Bool
  /// Requests a minute; nil for no limit.
  public var ratePerMinute: Int?
  /// Tokens a day, of prompts and answers; nil for no limit.
  public var tokensPerDay: Int?

  /// A key of that name; one without further words opens every adapter and changes nothing.
  public init(
    _ name: String, scopes: [String] = ["*"], isAdmin: Bool = false, ratePerMinute: Int? = nil,
    tokensPerDay: Int? = nil
  ) {
    self.name = name
    self.scopes = scopes
    self.isAdmin = isAdmin
    self.ratePerMinute = ratePerMinute
    self.tokensPerDay = tokensPerDay
  }
}

/// A key as the registry keeps it: all but its secret.
public struct KeyRecord: Sendable, Hashable {
  /// The eight hexadecimal digits that stand in the secret too.
  public let id: String
  /// Its name, which no other living key has.
  public let name: String
  /// The patterns of the adapters that it opens.
  public let scopes: [String]
  /// Whether it may change the registry.
  public let isAdmin: Bool
  /// Requests a minute; nil for no limit.
  public let ratePerMinute: Int?
  /// Tokens a day; nil for no limit.
  public let tokensPerDay: Int?
  /// When it was added.
  public let created: Date
  /// When it was revoked; nil while it opens.
  public let revoked: Date?

  /// Whether it opens the adapter of this name; `base` stands for the base without an adapter.
  public func allows(adapter: String) -> Bool {
    scopes.contains { $0.hasSuffix("*") ? adapter.hasPrefix($0.dropLast()) : adapter == $0 }
  }

  static let select = """
    SELECT id, name, scopes, is_admin, rate_per_minute, tokens_per_day, created, revoked
    FROM api_keys 
    """

  /// Reads a row, and refuses one that we would not have written: a key that cannot be understood opens nothing.
  init(_ row: inout Row) throws {
    id = try row.text()
    name = try row.text()
    let scopes = try row.text()
    let admin = try row.integer()
    ratePerMinute = try row.optional { try $0.integer() }
    tokensPerDay = try row.optional { try $0.integer() }
    created = try row.date()
    revoked = try row.optional { try $0.date() }
    do {
      _ = try Reference.checkedName(name)
      self.scopes = try KeyScope.read(scopes)
    } catch { throw Self.damaged(id) }
    guard admin == 0 || admin == 1, [ratePerMinute, tokensPerDay].allSatisfy({ $0 ?? 1 > 0 }) else {
      throw Self.damaged(id)
    }
    isAdmin = admin == 1
  }

  private static func damaged(_ id: String) -> RegistryError {
    RegistryError(
      .damaged,
      "the row of key '\(abridged(id))' is not as it was written; restore the registry from a backup"
    )
  }
}
