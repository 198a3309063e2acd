/// What a person writes to name a version: `name`, `name@VERSION`, `name:ALIAS`, or `base`.
public enum Reference: Hashable, Sendable, CustomStringConvertible {
  /// The base without an adapter.
  case base
  /// A version of the adapter `name`.
  case adapter(name: String, Selector)

  /// Which version of an adapter.
  public enum Selector: Hashable, Sendable {
    /// The alias `production` where it is set, else the newest.
    case preferred
    /// The newest (`name:latest` or `name@latest`).
    case latest
    /// The one of this number.
    case version(Int)
    /// The one that the alias names.
    case alias(String)
  }

  /// The alias that a bare name prefers.
  public static let production = "production"
  /// The word that always names the newest version; never an alias.
  public static let latest = "latest"

  /// The reference that `text` spells.
  public init(_ text: String) throws {
    if text == "base" {
      self = .base
      return
    }
    guard let mark = text.firstIndex(where: { $0 == "@" || $0 == ":" }) else {
      self = .adapter(name: try Self.checkedName(text), .preferred)
      return
    }
    let name = String(text[..<mark])
    let rest = String(text[text.index(after: mark)...])
    guard name != "base" else {
      throw RegistryError(
        .badArgument, "'base' has no versions and no aliases; write 'base' alone")
    }
    let checked = try Self.checkedName(name)
    if rest == Self.latest {
      self = .adapter(name: checked, .latest)
    } else if text[mark] == ":" {
      self = .adapter(name: checked, .alias(try Self.checkedAlias(rest)))
    } else {
      guard rest.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(rest), number >= 1
      else {
        throw RegistryError(
          .badArgument,
          "'\(abridged(text))': after '@' comes a version number, such as '\(checked)@3'; "
            + "an alias is written '\(checked):ALIAS'")
      }
      self = .adapter(name: checked, .version(number))
    }
  }

  /// The adapter's name; `base` for the base.
  public var name: String {
    switch self {
    case .base: "base"
    case .adapter(let name, _): name
    }
  }

  /// The reference as it is written.
  public var description: String {
    switch self {
    case .base: "base"
    case .adapter(let name, .preferred): name
    case .adapter(let name, .latest): "\(name):latest"
    case .adapter(let name, .version(let number)): "\(name)@\(number)"
    case .adapter(let name, .alias(let alias)): "\(name):\(alias)"
    }
  }

  /// `name` where it keeps the rules of names: `[a-z0-9][a-z0-9._-]*`, once or twice with a `/` between.
  public static func checkedName(_ name: String) throws -> String {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, name.utf8.count <= 200, parts.allSatisfy(isWord) else {
      throw RegistryError(
        .badArgument,
        "'\(abridged(name))' is not a name; write small letters, digits, '.', '_' and '-', "
          + "starting with a letter or digit, optionally as 'namespace/name'")
    }
    guard name != "base" else {
      throw RegistryError(
        .badArgument, "'base' means the base without an adapter; choose another name")
    }
    return name
  }

  /// `alias` where it keeps the rules of aliases: one word, not `latest`.
  public static func checkedAlias(_ alias: String) throws -> String {
    guard alias.utf8.count <= 100, isWord(alias[...]) else {
      throw RegistryError(
        .badArgument,
        "'\(abridged(alias))' is not an alias; write small letters, digits, '.', '_' and '-', "
          + "starting with a letter or digit")
    }
    guard alias != latest else {
      throw RegistryError(
        .badArgument, "'latest' always names the newest version; choose another alias")
    }
    return alias
  }

  private static func isWord(_ text: Substring) -> Bool {
    func plain(_ byte: UInt8) -> Bool {
      (97...122).contains(byte) || (48...57).contains(byte)
    }
    guard let first = text.utf8.first, plain(first) else { return false }
    return text.utf8.allSatisfy { plain($0) || $0 == 45 || $0 == 46 || $0 == 95 }
  }
}

/// `text` for a message: one line, not endless.
package func abridged(_ text: String) -> String {
  let plain = String(text.unicodeScalars.prefix(80).map { $0.value < 32 ? "?" : Character($0) })
  return text.unicodeScalars.count > 80 ? plain + "..." : plain
}
