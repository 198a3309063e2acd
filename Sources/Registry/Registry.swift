public import Foundation
import Synchronization

/// The registry: one SQLite file with bases, adapters, their immutable versions, aliases, runs and evaluations.
///
/// For any thread. What a call has returned survives `kill -9` and power loss; a call that throws
/// (always a ``RegistryError``) has changed nothing. Other processes may have the same file open. A file that may not be
/// written is read, as a call that writes says; one that was deleted or replaced meanwhile is left alone.
public final class Registry: Sendable {
  /// Where the file lies.
  public let path: String

  let now: @Sendable () -> Date
  let owner: ProcessIdentity
  /// Who acts unless `acting(as:_:)` says otherwise.
  let opener: String
  private let database: Mutex<Database>

  /// Opens the registry at `path`; an absent or empty file becomes a new registry where `create` says so.
  ///
  /// - Parameters:
  ///   - path: The file; its folder must exist.
  ///   - create: Whether an absent file is made.
  ///   - actor: Who acts, for the history of aliases and the audit; `acting(as:_:)` says otherwise for a while.
  ///   - busyTimeout: How long a write waits for another process's, in milliseconds.
  ///   - owner: The process that its runs belong to.
  ///   - now: The clock.
  public convenience init(
    path: String, create: Bool = true, actor: String = "lorikeet", busyTimeout: Int = 10_000,
    owner: ProcessIdentity = .current, now: @escaping @Sendable () -> Date = { Date() }
  ) throws {
    try self.init(
      path: path, create: create, actor: actor, busyTimeout: busyTimeout, owner: owner, now: now,
      migrations: Schema.migrations)
  }

  package init(
    path: String, create: Bool, actor: String, busyTimeout: Int, owner: ProcessIdentity,
    now: @escaping @Sendable () -> Date, migrations: [@Sendable (Database) throws -> Void]
  ) throws {
    self.path = path
    self.now = now
    self.owner = owner
    opener = actor
    let database: Database
    do {
      database = try Database(path: path, create: create, busyTimeout: busyTimeout)
      try Schema.prepare(database, path: path, create: create, migrations: migrations)
    } catch let error as RegistryError {
      throw error.told(of: path)
    }
    self.database = Mutex(database)
  }

  /// Whether the file can only be read: its permissions, its folder's or its medium forbid writing.
  public var isReadOnly: Bool { database.withLock { $0.isReadOnly } }

  /// A number that is another one after each commit, of this process or any other: what was read while it was the same
  /// still holds. It means something to this object only, and costs a look at the file, not a transaction.
  public func dataVersion() throws -> Int { try read { try $0.dataVersion() } }

  /// Runs `body` with the connection, alone.
  package func read<T: Sendable>(_ body: (Database) throws -> T) throws -> T {
    try telling {
      try database.withLock { database in
        try database.checkPlace()
        return try body(database)
      }
    }
  }

  /// Runs `body` with the connection, alone, against one state of the file.
  package func snapshot<T: Sendable>(_ body: (Database) throws -> T) throws -> T {
    try telling {
      try database.withLock { database in
        try database.checkPlace()
        return try database.snapshot { try body(database) }
      }
    }
  }

  /// Runs `body` with the connection, alone, as one transaction.
  package func write<T: Sendable>(_ body: (Database) throws -> T) throws -> T {
    try telling {
      try database.withLock { database in
        try database.transaction {
          try checkKey(in: database)
          return try body(database)
        }
      }
    }
  }

  /// Adds the file's path to complaints about it.
  private func telling<T: Sendable>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as RegistryError
      where error.sqliteCode != nil || error.code == .replaced
    {
      throw error.told(of: path)
    }
  }

  /// Writes down that `actor` did `action` to `subject`.
  func audit(_ action: String, _ subject: String, _ detail: String = "", in database: Database)
    throws
  {
    try database.run(
      "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
      [SQLValue(now()), .text(actor), .text(action), .text(subject), .text(detail)])
  }
}
