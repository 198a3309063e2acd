/// Who changes a registry.
public struct Author: Sendable, ExpressibleByStringInterpolation {
  /// As the audit and the history of aliases name it.
  public let name: String
  /// The key that lets it: where that has been revoked by then, nothing is written.
  let keyID: String?

  /// Somebody who needs no key.
  public init(stringLiteral name: String) { (self.name, keyID) = (name, nil) }

  /// Whoever holds `key`.
  public init(_ key: KeyRecord) { (name, keyID) = ("key:\(key.name)", key.id) }
}

extension Registry {
  /// Who acts in this task, where that is not whom the registry was opened for.
  @TaskLocal private static var present: Author?

  /// Who is written down for what happens now.
  var actor: String { Self.present?.name ?? opener }

  /// Runs `body`, and all that it writes into a registry is `author`'s: a server says so whose request it serves.
  public func acting<T>(as author: Author, _ body: () throws -> T) rethrows -> T {
    try Self.$present.withValue(author, operation: body)
  }

  /// Runs `body`, and all that it and its child tasks write into a registry is `author`'s.
  public func acting<T>(as author: Author, _ body: () async throws -> T) async rethrows -> T {
    try await Self.$present.withValue(author, operation: body)
  }

  /// A write may have waited for others, and one of them for the author's key.
  func checkKey(in database: Database) throws {
    guard let author = Self.present, let id = author.keyID else { return }
    let isLiving = try database.integer(
      "SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ? AND revoked IS NULL)", [.text(id)])
    guard isLiving == 1 else {
      throw RegistryError(
        .keyRevoked, "'\(author.name)' was revoked before its change was made: nothing has changed")
    }
  }
}
