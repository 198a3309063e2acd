import CSQLite
import Glibc

/// The one owner of a SQLite connection.
///
/// Not for two threads at once: `Registry` reaches it only under its lock.
@safe package final class Database: @unchecked Sendable {
  // Sendable: `Registry` holds it inside a Mutex and hands it out only to closures that run under the lock.
  private let handle: OpaquePointer
  private let cache = StatementCache()
  /// What `dataVersion()` last saw, and how often that was new.
  private var seen = (theirs: 0, ours: Int64(0), count: 0)
  /// The file as it was when it was opened, where it can only be read and nobody's changes are waited for.
  private let still: StillFile?

  /// Opens `path` without touching the file; creates it at the first write unless `create` is false.
  ///
  /// Where the file or its folder may not be written, and no writer has left a journal, it is read as it stands.
  /// - Parameter readOnly: Whether the file must not be written; it is not created then.
  package convenience init(
    path: String, create: Bool = true, readOnly: Bool = false, busyTimeout: Int
  ) throws {
    try self.init(
      path: path, create: create, readOnly: readOnly, busyTimeout: busyTimeout,
      still: readOnly ? nil : StillFile(path: path))
  }

  /// Opens the file at `path` to be read as it stands, whoever may write it.
  package convenience init(still path: String) throws {
    try self.init(
      path: path, create: false, readOnly: true, busyTimeout: 0,
      still: StillFile(path: path, even: true))
  }

  private init(path: String, create: Bool, readOnly: Bool, busyTimeout: Int, still: StillFile?)
    throws
  {
    guard !path.isEmpty else { throw RegistryError(.badArgument, "the registry's path is empty") }
    self.still = still
    // "file:" at the start would make SQLite read the path as a URI.
    let file = still?.address ?? (path.hasPrefix("file:") ? "./" + path : path)
    var opened: OpaquePointer?
    let access =
      if still != nil {
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      } else {
        readOnly
          ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0)
      }
    let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let result = unsafe sqlite3_open_v2(file, &opened, flags, nil)
    guard result == SQLITE_OK, let opened = unsafe opened else {
      let error = unsafe RegistryError.sqlite(result, opened)
      unsafe sqlite3_close_v2(opened)
      throw error
    }
    unsafe handle = unsafe opened
    // A registry's texts are JSON and its blobs come in chunks: nothing honest is near this.
    unsafe sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, 64 << 20)
    unsafe sqlite3_busy_timeout(opened, Int32(clamping: busyTimeout))
    _ = unsafe csqlite_harden(opened)
  }

  deinit {
    cache.removeAll()
    unsafe sqlite3_close_v2(handle)
  }

  /// Whether the file can only be read.
  package var isReadOnly: Bool { unsafe sqlite3_db_readonly(handle, "main") == 1 }

  /// Refuses to go on where the open file no longer lies at its path: what is written would be lost, and what is read is
  /// not what stands there.
  package func checkPlace() throws {
    var hasMoved: Int32 = 0
    let result = unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved)
    // A database in memory has no place to leave.
    guard result == SQLITE_NOTFOUND || (result == SQLITE_OK && hasMoved == 0) else {
      throw RegistryError(
        .replaced,
        "the file was deleted or replaced while it was open; nothing was changed; start again")
    }
    guard still?.isStill ?? true else {
      throw RegistryError(
        .replaced, "the file was written while it was open for reading only; start again")
    }
  }

  /// Runs `sql`, one statement without a result, with `values` bound.
  package func run(_ sql: String, _ values: [SQLValue] = []) throws {
    let statement = try unsafe Statement(sql, on: handle, cache: cache)
    try statement.bind(values)
    while try statement.step() {}
  }

  /// Runs `sql`, one statement, once for each of `rows`.
  package func run(_ sql: String, each rows: [[SQLValue]]) throws {
    let statement = try unsafe Statement(sql, on: handle, cache: cache)
    for values in rows {
      try statement.bind(values)
      while try statement.step() {}
      statement.reset()
    }
  }

  /// Runs `sql`, one statement, with `values` (integers) and then `bytes` bound in place.
  package func run(_ sql: String, _ values: [SQLValue], bytes: ArraySlice<UInt8>) throws {
    let statement = try unsafe Statement(sql, on: handle, cache: cache)
    try statement.run(values, bytes: bytes)
  }

  /// Runs a script of several statements.
  package func script(_ sql: String) throws {
    errno = 0
    let result = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    if result != SQLITE_OK { throw unsafe RegistryError.sqlite(result, handle) }
  }

  /// Each row of `sql` through `read`.
  package func all<T>(
    _ sql: String, _ values: [SQLValue] = [], _ read: (inout Row) throws -> T
  ) throws -> [T] {
    let statement = try unsafe Statement(sql, on: handle, cache: cache)
    try statement.bind(values)
    var found: [T] = []
    while try statement.step() {
      var row = statement.row
      found.append(try read(&row))
    }
    return found
  }

  /// Each row of `sql`, run once for each of `rows`, through `read`.
  package func all<T>(
    _ sql: String, each rows: [[SQLValue]], _ read: (inout Row) throws -> T
  ) throws -> [T] {
    let statement = try unsafe Statement(sql, on: handle, cache: cache)
    var found: [T] = []
    for values in rows {
      try statement.bind(values)
      while try statement.step() {
        var row = statement.row
        found.append(try read(&row))
      }
      statement.reset()
    }
    return found
  }

  /// The first row of `sql` through `read`, or nil where there is none.
  package func first<T>(
    _ sql: String, _ values: [SQLValue] = [], _ read: (inout Row) throws -> T
  ) throws -> T? {
    let statement = try unsafe Statement(sql, on: handle, cache: cache)
    try statement.bind(values)
    guard try statement.step() else { return nil }
    var row = statement.row
    return try read(&row)
  }

  /// The integer in the first row and column of `sql`.
  package func integer(_ sql: String, _ values: [SQLValue] = []) throws -> Int {
    try first(sql, values) { try $0.integer() } ?? 0
  }

  /// The rowid of the last row inserted.
  package var lastInserted: Int { Int(unsafe sqlite3_last_insert_rowid(handle)) }

  /// The number of rows that the last statement changed.
  package var changes: Int { Int(unsafe sqlite3_changes64(handle)) }

  /// A number that is another one after each commit, of this connection or any other.
  package func dataVersion() throws -> Int {
    // SQLite tells of others' commits only: `PRAGMA data_version` is for one connection to compare with itself.
    let theirs = try integer("PRAGMA data_version")
    let ours = unsafe sqlite3_total_changes64(handle)
    if (theirs, ours) != (seen.theirs, seen.ours) { seen = (theirs, ours, seen.count + 1) }
    return seen.count
  }

  /// How many steps of SQLite's machine the statements that wait in the cache have taken, all their lives: a measure of work
  /// that is the same on every machine.
  package var steps: Int {
    var total = 0
    var statement = unsafe sqlite3_next_stmt(handle, nil)
    while let current = unsafe statement {
      total += Int(unsafe sqlite3_stmt_status(current, SQLITE_STMTSTATUS_VM_STEP, 0))
      unsafe statement = unsafe sqlite3_next_stmt(handle, current)
    }
    return total
  }

  /// Runs `body` as one write: all of it happens, or nothing, and that in the file that lies at the path.
  package func transaction<T>(_ body: () throws -> T) throws -> T {
    try between("BEGIN IMMEDIATE") {
      let result = try body()
      try checkPlace()
      return result
    }
  }

  /// Runs `body`, several reads, against one state of the file.
  package func snapshot<T>(_ body: () throws -> T) throws -> T {
    try between("BEGIN", body)
  }

  private func between<T>(_ begin: String, _ body: () throws -> T) throws -> T {
    try run(begin)
    do {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      // Some errors (disk full among them) have rolled back already.
      if unsafe sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
      throw error
    }
  }

  /// Bytes of a blob that are read at a time.
  private static let pieceSize = 256 << 10

  /// Reads the blob in `column` of the row `row` of `table` straight into `target`, whose size it must have; `taken` is
  /// given each piece once it is there.
  @unsafe func readBlob(
    table: String, column: String, row: Int, into target: UnsafeMutableRawBufferPointer,
    taken: (UnsafeRawBufferPointer) -> Void
  ) throws {
    var blob: OpaquePointer?
    let result = unsafe sqlite3_blob_open(handle, "main", table, column, Int64(row), 0, &blob)
    defer { unsafe sqlite3_blob_close(blob) }
    guard result == SQLITE_OK else { throw unsafe RegistryError.sqlite(result, handle) }
    guard Int(unsafe sqlite3_blob_bytes(blob)) == target.count else {
      throw RegistryError(.damaged, "a blob in the registry changed its size while it was read")
    }
    for start in stride(from: 0, to: target.count, by: Database.pieceSize) {
      let piece = unsafe UnsafeMutableRawBufferPointer(
        rebasing: target[start..<min(target.count, start + Database.pieceSize)])
      let read = unsafe sqlite3_blob_read(
        blob, piece.baseAddress, Int32(piece.count), Int32(start))
      if read != SQLITE_OK { throw unsafe RegistryError.sqlite(read, handle) }
      unsafe taken(UnsafeRawBufferPointer(piece))
    }
  }
}
