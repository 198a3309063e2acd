public import Foundation

/// A note on an adapter or on one of its versions.
public struct NoteRecord: Sendable, Hashable {
  /// The version that it is about; nil for the adapter.
  public let version: Int?
  /// What it says.
  public let text: String
  /// When it was written.
  public let at: Date
  /// Who wrote it.
  public let actor: String
}

/// A line of the audit: who did what to which name, and when. Lines are only ever added.
public struct AuditRecord: Sendable, Hashable {
  /// When.
  public let at: Date
  /// Who.
  public let actor: String
  /// What: `publish`, `alias`, `rollback`, `remove`, ...
  public let action: String
  /// `name`, `name@VERSION`, `name:ALIAS`, or `key:NAME` for a key.
  public let subject: String
  /// The rest of it: a digest, `old -> new`, or a note's text.
  public let detail: String

  static let columns = "at, actor, action, subject, detail"

  init(_ row: inout Row) throws {
    at = try row.date()
    actor = try row.text()
    action = try row.text()
    subject = try row.text()
    detail = try row.text()
  }
}

extension Registry {
  /// Puts `tags` on the adapter `name`; those that it has already stay.
  public func tag(_ name: String, _ tags: [String]) throws {
    let tags = try tags.map(Self.checkedTag)
    try write { database in try tag(name, checked: tags, in: database) }
  }

  /// Puts `tags`, which keep the rules, on the adapter `name` as a part of a transaction.
  package func tag(_ name: String, checked tags: [String], in database: Database) throws {
    let id = try adapter(Reference.checkedName(name), in: database)
    for tag in tags { try put(tag, on: id, name, in: database) }
  }

  /// Puts `tag` on the adapter in the row `id`; whether it was not there yet.
  @discardableResult
  func put(_ tag: String, on id: Int, _ name: String, in database: Database) throws -> Bool {
    try database.run(
      "INSERT INTO tags (adapter_id, tag, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      [SQLValue(id), .text(tag), SQLValue(now())])
    guard database.changes > 0 else { return false }
    try audit("tag", name, tag, in: database)
    return true
  }

  /// Takes `tags` off the adapter `name`; one that it does not have is an error.
  public func untag(_ name: String, _ tags: [String]) throws {
    let tags = try tags.map(Self.checkedTag)
    try write { database in
      let id = try adapter(Reference.checkedName(name), in: database)
      for tag in tags {
        try database.run(
          "DELETE FROM tags WHERE adapter_id = ? AND tag = ?", [SQLValue(id), .text(tag)])
        guard database.changes > 0 else {
          throw RegistryError(.notFound, "adapter '\(name)' has no tag '\(tag)'")
        }
        try audit("untag", name, tag, in: database)
      }
    }
  }

  /// The tags of the adapter `name`, in order.
  public func tags(of name: String) throws -> [String] {
    try snapshot { database in
      let id = try adapter(name, in: database)
      return try database.all(
        "SELECT tag FROM tags WHERE adapter_id = ? ORDER BY tag", [SQLValue(id)]
      ) { try $0.text() }
    }
  }

  /// Writes a note on the adapter or version that `reference` spells; a bare name means the adapter.
  public func addNote(_ text: String, to reference: String) throws {
    guard !text.isEmpty, text.utf8.count <= 10_000 else {
      throw RegistryError(.badArgument, "a note has from 1 to 10,000 bytes")
    }
    let parsed = try Reference(reference)
    try write { database in
      guard case .adapter(let name, let selector) = parsed else {
        throw RegistryError(.badArgument, "'base' takes no notes; name an adapter")
      }
      let id = try adapter(name, in: database)
      let number = selector == .preferred ? nil : try version(parsed, in: database).number
      try database.run(
        "INSERT INTO notes (adapter_id, number, note, at, actor) VALUES (?, ?, ?, ?, ?)",
        [SQLValue(id), SQLValue(number), .text(text), SQLValue(now()), .text(actor)])
      try audit("note", number.map { "\(name)@\($0)" } ?? name, text, in: database)
    }
  }

  /// The notes of the adapter `name` and its versions, newest first.
  public func notes(of name: String) throws -> [NoteRecord] {
    try snapshot { database in
      try notes(ofAdapter: adapter(name, in: database), in: database)
    }
  }

  func notes(ofAdapter id: Int, in database: Database) throws -> [NoteRecord] {
    try database.all(
      "SELECT number, note, at, actor FROM notes WHERE adapter_id = ? ORDER BY id DESC",
      [SQLValue(id)]
    ) {
      NoteRecord(
        version: try $0.optional { try $0.integer() }, text: try $0.text(), at: try $0.date(),
        actor: try $0.text())
    }
  }

  /// The audit of the adapter `name`, newest first: also that of a name that is no more.
  public func auditTrail(of name: String, limit: Int? = nil) throws -> [AuditRecord] {
    let name = try Reference.checkedName(name)
    return try read { database in
      // ';' comes after ':' and 'A' after '@': the subjects `name:…` and `name@…`, by the index.
      try database.all(
        """
        SELECT \(AuditRecord.columns) FROM audit
        WHERE (subject = ?1 OR (subject > ?1 || ':' AND subject < ?1 || ';')
          OR (subject > ?1 || '@' AND subject < ?1 || 'A'))
          AND action NOT IN ('key-add', 'key-revoke')
        ORDER BY id DESC LIMIT ?2
        """, [.text(name), SQLValue(limit ?? -1)], AuditRecord.init)
    }
  }

  /// Calls the adapter `name` by `new`: versions, aliases, history, runs and notes go with it.
  public func rename(_ name: String, to new: String) throws {
    let (old, new) = (try Reference.checkedName(name), try Reference.checkedName(new))
    try write { database in
      let id = try adapter(old, in: database)
      try checkFree(new, in: database)
      try database.run("UPDATE adapters SET name = ? WHERE id = ?", [.text(new), SQLValue(id)])
      try audit("rename", old, "\(old) -> \(new)", in: database)
      try audit("rename", new, "\(old) -> \(new)", in: database)
    }
  }

  /// `tag` where it keeps the rules of tags, which are those of aliases.
  private static func checkedTag(_ tag: String) throws -> String {
    do { return try Reference.checkedAlias(tag) } catch {
      throw RegistryError(
        .badArgument,
        "'\(abridged(tag))' is not a tag; write small letters, digits, '.', '_' and '-', "
          + "starting with a letter or digit")
    }
  }
}
