import Digests
import Foundation

extension Registry {
  /// Adds a key. Its secret is in no file and in no later answer: whoever is to have it must be given it now.
  public func addKey(_ key: NewKey) throws -> (record: KeyRecord, secret: String) {
    let name = try Self.checkedKeyName(key.name)
    let scopes = try KeyScope.checked(key.scopes)
    try Self.checkLimit(key.ratePerMinute, "requests a minute")
    try Self.checkLimit(key.tokensPerDay, "tokens a day")
    return try write { database in
      let living = try database.integer(
        "SELECT count(*) FROM api_keys WHERE name = ? AND revoked IS NULL", [.text(name)])
      guard living == 0 else {
        throw RegistryError(
          .exists, "there is a key '\(name)' already; choose another name or revoke it first")
      }
      var secret = KeySecret.random()
      while try self.key(id: secret.id, in: database) != nil { secret = .random() }
      try database.run(
        """
        INSERT INTO api_keys (id, name, secret_hash, scopes, is_admin, rate_per_minute,
          tokens_per_day, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(secret.id), .text(name), SQLValue(Digest.of(secret.text)),
          .text(KeyScope.json(scopes)), SQLValue(key.isAdmin ? 1 : 0),
          SQLValue(key.ratePerMinute), SQLValue(key.tokensPerDay), SQLValue(now()),
        ])
      let rights = scopes.joined(separator: " ") + (key.isAdmin ? " (admin)" : "")
      try audit("key-add", "key:\(name)", "\(secret.id) \(rights)", in: database)
      guard let record = try self.key(id: secret.id, in: database) else {
        throw RegistryError(.damaged, "the key just added is not there")
      }
      return (record, secret.text)
    }
  }

  /// All keys, revoked ones too, oldest first.
  public func keys() throws -> [KeyRecord] {
    try read { try $0.all(KeyRecord.select + "ORDER BY created, id", [], KeyRecord.init) }
  }

  /// Whether there has ever been a key.
  public func hasKeys() throws -> Bool {
    try read { try $0.integer("SELECT EXISTS (SELECT 1 FROM api_keys)") == 1 }
  }

  /// Revokes the living key of this name or id: from now on it opens nothing, and never again.
  @discardableResult
  public func revokeKey(_ nameOrID: String) throws -> (id: String, name: String) {
    try write { database in
      // Not the whole row: one that was tampered with can be revoked too.
      let found = try database.first(
        "SELECT id, name FROM api_keys WHERE revoked IS NULL AND (name = ?1 OR id = ?1)",
        [.text(nameOrID)]
      ) { (id: try $0.text(), name: try $0.text()) }
      guard let found else { throw try noKey(nameOrID, in: database) }
      try database.run(
        "UPDATE api_keys SET revoked = ? WHERE id = ?", [SQLValue(now()), .text(found.id)])
      try audit("key-revoke", "key:\(found.name)", found.id, in: database)
      return found
    }
  }

  /// The living key whose secret this is, or nil where it is none's.
  ///
  /// A stranger cannot learn from the time it takes which ids there are: each secret is hashed and compared, in constant
  /// time, with the hash of its id or with one that nothing has.
  public func authenticate(_ secret: String) throws -> KeyRecord? {
    let given = Digest.of(secret)
    let id = KeySecret.id(in: secret) ?? ""
    return try read { database in
      let kept = try database.first(
        "SELECT secret_hash FROM api_keys WHERE id = ?", [.text(id)]
      ) { try $0.digest() }
      guard given.isEqualInConstantTime(to: kept ?? Self.nobody), kept != nil else { return nil }
      return try key(id: id, in: database).flatMap { $0.revoked == nil ? $0 : nil }
    }
  }

  /// The audit of the keys called `name`, newest first: also of those revoked.
  public func keyTrail(of name: String, limit: Int? = nil) throws -> [AuditRecord] {
    let name = try Reference.checkedName(name)
    return try read { database in
      // The action too: an adapter called `key` may have an alias of the key's name.
      try database.all(
        """
        SELECT \(AuditRecord.columns) FROM audit
        WHERE subject = 'key:' || ?1 AND action IN ('key-add', 'key-revoke')
        ORDER BY id DESC LIMIT ?2
        """, [.text(name), SQLValue(limit ?? -1)], AuditRecord.init)
    }
  }

  /// What a secret of an unknown id is compared with.
  private static let nobody = Digest.of("nobody's key")

  private func key(id: String, in database: Database) throws -> KeyRecord? {
    try database.first(KeyRecord.select + "WHERE id = ?", [.text(id)], KeyRecord.init)
  }

  private func noKey(_ word: String, in database: Database) throws -> RegistryError {
    let revoked = try database.integer(
      "SELECT count(*) FROM api_keys WHERE name = ?1 OR id = ?1", [.text(word)])
    guard revoked == 0 else {
      return RegistryError(.notFound, "key '\(abridged(word))' is revoked already")
    }
    let names = try database.all("SELECT name FROM api_keys WHERE revoked IS NULL") {
      try $0.text()
    }
    return RegistryError(
      .notFound, "no key '\(abridged(word))'" + didYouMean(word, among: names))
  }

  private static func checkedKeyName(_ name: String) throws -> String {
    guard !KeySecret.isID(name.utf8) else {
      throw RegistryError(
        .badArgument, "'\(name)' reads as the id of a key; choose another name")
    }
    return try Reference.checkedName(name)
  }

  private static func checkLimit(_ limit: Int?, _ what: String) throws {
    guard (1...1_000_000_000_000).contains(limit ?? 1) else {
      throw RegistryError(
        .badArgument,
        "a key has from 1 to 1,000,000,000,000 \(what), not \(limit ?? 0); leave it out for no limit"
      )
    }
  }
}
