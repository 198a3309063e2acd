import Foundation

/// The patterns of adapters that a key opens, and the JSON that they are kept as.
enum KeyScope {
  private static let most = 100

  /// `scopes`, each once, where they keep the rules.
  static func checked(_ scopes: [String]) throws -> [String] {
    var found: [String] = []
    for scope in try scopes.map(checked) where !found.contains(scope) { found.append(scope) }
    guard (1...most).contains(found.count) else {
      throw RegistryError(
        .badArgument, "a key has from 1 to \(most) scopes, not \(found.count); '*' is all adapters")
    }
    return found
  }

  private static func checked(_ scope: String) throws -> String {
    if scope == "*" || scope == "base" { return scope }
    do {
      guard scope.hasSuffix("/*") else { return try Reference.checkedName(scope) }
      let namespace = scope.dropLast(2)
      guard !namespace.contains("/") else { throw RegistryError(.badArgument, "") }
      _ = try Reference.checkedName("\(namespace)/x")
      return scope
    } catch {
      throw RegistryError(
        .badArgument,
        "'\(abridged(scope))' is not a scope; write '*' (all), 'acme/*' (a namespace), "
          + "'acme/support' (one adapter) or 'base'")
    }
  }

  /// `scopes`, which keep the rules, as JSON: none of their letters needs an escape.
  static func json(_ scopes: [String]) -> String {
    "[" + scopes.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }

  /// The scopes that `json` lists; refused where we would not have written them.
  static func read(_ json: String) throws -> [String] {
    guard json.utf8.count <= 100_000 else { throw RegistryError(.damaged, "too long") }
    let scopes = try checked(JSONDecoder().decode([String].self, from: Data(json.utf8)))
    guard self.json(scopes) == json else { throw RegistryError(.damaged, "not as written") }
    return scopes
  }
}
