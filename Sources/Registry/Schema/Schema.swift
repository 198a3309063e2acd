import Glibc

/// The shape of a registry file, and how a file comes to have it.
package enum Schema {
  /// "LRKT": what SQLite's header field `application_id` says in our files.
  package static let applicationID = 0x4C52_4B54
  /// "LRKB": the same in a bundle, which has the same tables.
  package static let bundleID = 0x4C52_4B42

  /// Step `n` turns a file of version `n` into one of version `n + 1`; version 0 is an empty file.
  ///
  /// A step that has ever been released is never edited: write the next one.
  package static let migrations: [@Sendable (Database) throws -> Void] = [
    { database in try database.script(version1) },
    { database in try database.script(listIndexes) },
    { database in try database.script(runDigests) },
    { database in try database.script(keys) },
    { database in try database.script(evaluationRows) },
  ]

  /// Refuses a file that is not ours or newer than `migrations`; brings an older one up to date, and an empty one where
  /// `create` says so.
  ///
  /// Two processes may do this at once: each looks again inside its transaction.
  package static func prepare(
    _ database: Database, path: String, create: Bool,
    migrations: [@Sendable (Database) throws -> Void] = Schema.migrations
  ) throws {
    // One state of the file: another opener may be writing the schema between two of the questions.
    let version = try patiently {
      try database.snapshot { try check(database, path: path, newest: migrations.count) }
    }
    if version == 0, !create {
      // Somebody is about to write it, or has lost it.
      throw RegistryError(
        .cannotOpen,
        "'\(path)' is empty, not a registry yet; restore it from a backup, or give another path")
    }
    if version < migrations.count, database.isReadOnly {
      throw RegistryError(
        .readOnly,
        "'\(path)' \(version == 0 ? "is empty" : "is an older Lorikeet's") and may not be written; "
          + "open it once where it may be")
    }
    // Before anything is written: it says how the file is laid out.
    if version == 0 { try database.run("PRAGMA page_size = 16384") }
    if !database.isReadOnly { try writeAhead(database) }
    if version < migrations.count {
      try database.transaction {
        let version = try check(database, path: path, newest: migrations.count)
        for step in migrations[version...] { try step(database) }
        try database.run("PRAGMA application_id = \(applicationID)")
        try database.run("PRAGMA user_version = \(migrations.count)")
        let broken = try database.first("PRAGMA foreign_key_check") { try $0.text() }
        if let broken {
          throw RegistryError(
            .damaged, "'\(path)': rows of '\(broken)' point at nothing; restore it from a backup")
        }
      }
    }
    try database.run("PRAGMA foreign_keys = ON")
    try database.run("PRAGMA synchronous = FULL")
    // Freed pages are not overwritten with zeros: a checkpoint's would be written twice.
    try database.run("PRAGMA secure_delete = FAST")
    try database.run("PRAGMA cell_size_check = ON")
    try database.run("PRAGMA journal_size_limit = \(64 << 20)")
  }

  /// Has the file keep a write-ahead log, if it does not: a new one, a backup, one whose restore was killed.
  private static func writeAhead(_ database: Database) throws {
    guard try database.first("PRAGMA journal_mode", [], { try $0.text() }) != "wal" else { return }
    do {
      try patiently { try database.run("PRAGMA journal_mode = WAL") }
    } catch let error as RegistryError where error.code == .cannotOpen {
      // A file that may not be written can be read all the same.
    }
  }

  /// Lays out the empty `database` as a file of schema `version` that says it is `application`'s.
  static func lay(_ version: Int, for application: Int, in database: Database) throws {
    try database.transaction {
      for step in migrations[..<version] { try step(database) }
      try database.run("PRAGMA application_id = \(application)")
      try database.run("PRAGMA user_version = \(version)")
    }
  }

  /// Runs `body` again while another opener is in the way, for up to 10 seconds: SQLite does not wait by itself where
  /// the journal's mode changes.
  private static func patiently<T>(_ body: () throws -> T) throws -> T {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
      do { return try body() } catch let error as RegistryError where error.code == .busy {
        usleep(10_000)
      }
    }
    return try body()
  }

  /// The version of the file, 0 where it is empty; refused where it is not ours or newer than `newest`.
  @discardableResult
  static func check(_ database: Database, path: String, newest: Int = migrations.count) throws
    -> Int
  {
    let application = try database.integer("PRAGMA application_id")
    let version = try database.integer("PRAGMA user_version")
    if application == bundleID {
      throw RegistryError(
        .foreignFile, "'\(path)' is a bundle, not a registry; 'lorikeet import' takes it in")
    }
    if application != applicationID {
      guard application == 0, version == 0,
        try database.integer("SELECT count(*) FROM sqlite_schema") == 0
      else {
        throw RegistryError(
          .foreignFile,
          "'\(path)' is another program's SQLite file, not a Lorikeet registry; give another path")
      }
      return 0
    }
    guard version >= 1 else {
      throw RegistryError(
        .damaged, "'\(path)' says schema version \(version); restore it from a backup")
    }
    guard version <= newest else {
      throw RegistryError(
        .newerSchema,
        "'\(path)' has schema version \(version), this Lorikeet knows up to \(newest); "
          + "use the newer Lorikeet that wrote it")
    }
    return version
  }
}
