import Digests
import Foundation
import Glibc

/// A bundle open for reading: a stranger's file until its header, its tables and its structure have been looked at.
///
/// Its tables, indexes and triggers must be those that we lay ourselves, to the letter: then nothing in it can act, and
/// SQLite's own checks of types and references hold for its rows.
struct AdapterBundle {
  /// What messages call it.
  let file: String
  /// Its connection, which cannot write.
  let database: Database

  /// Opens the bundle at `path`.
  /// - Parameter file: What messages call it.
  init(_ path: String, calledBy file: String) throws {
    self.file = file
    let version = try Self.checkedVersion(path, calledBy: file)
    database = try Self.telling(file) {
      let database = try Database(path: path, readOnly: true, busyTimeout: 0)
      try database.run("PRAGMA cell_size_check = ON")
      guard try Self.objects(in: database) == Self.expectedObjects(version) else {
        throw RegistryError(.damaged, "its tables are not those of a bundle")
      }
      if let first = try database.faults(atMost: 1).first { throw RegistryError(.damaged, first) }
      return database
    }
  }

  /// Runs `body` against one state of the file.
  func reading<T>(_ body: (AdapterBundle) throws -> T) throws -> T {
    try database.snapshot { try body(self) }
  }

  /// Runs `body`, which reads the file, and tells of its complaints as the bundle's.
  func telling<T>(_ body: () throws -> T) throws -> T { try Self.telling(file, body) }

  /// The bytes of the blob `digest`, checked against it.
  func blob(_ digest: Digest) throws -> [UInt8] {
    try telling {
      do { return try database.blob(digest, calledBy: "the bundle") } catch let error
        as RegistryError
        where error.code == .damaged
      { throw RegistryError(.damaged, "blob \(digest.short) does not have its digest") }
    }
  }

  private static func telling<T>(_ file: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as RegistryError {
      throw RegistryError(
        error.code == .full ? .full : .damaged,
        "bundle '\(file)': \(error.message.prefix { $0 != ";" }); have it exported again")
    }
  }
}

extension AdapterBundle {
  /// What the file's header says of its schema, read before SQLite sees the file; refused where it is no bundle.
  private static func checkedVersion(_ path: String, calledBy file: String) throws -> Int {
    let header = try header(path, calledBy: file)
    func number(at offset: Int) -> Int {
      header[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)),
      number(at: 68) == Schema.bundleID
    else {
      let isRegistry = header.count == 100 && number(at: 68) == Schema.applicationID
      throw RegistryError(
        .foreignFile,
        isRegistry
          ? "'\(file)' is a registry, not a bundle; 'lorikeet export --bundle' writes bundles"
          : "'\(file)' is not a bundle; give one that 'lorikeet export --bundle' wrote")
    }
    // Version 1 of the format has no write-ahead log: nothing is made beside the file when it is opened.
    let companion = ["-wal", "-journal"].first { unsafe access(path + $0, F_OK) == 0 }
    let version = number(at: 60)
    guard header[18] == 1, header[19] == 1, companion == nil, version >= 1 else {
      throw RegistryError(
        .damaged,
        "bundle '\(file)' is not as 'lorikeet export --bundle' leaves it; have it exported again")
    }
    guard version <= Schema.migrations.count else {
      throw RegistryError(
        .newerSchema,
        "bundle '\(file)' has schema version \(version), this Lorikeet knows up to "
          + "\(Schema.migrations.count); use the newer Lorikeet that wrote it")
    }
    return version
  }

  /// The first hundred bytes of the file, fewer where it is shorter.
  private static func header(_ path: String, calledBy file: String) throws -> [UInt8] {
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else { throw ScratchFile.failure("open", file) }
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw RegistryError(.foreignFile, "'\(file)' is not a file; give a bundle")
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ScratchFile.failure("open", file)
    }
    return [UInt8](try handle.read(upToCount: 100) ?? Data())
  }

  /// All that the file's schema holds, in order; cut off where it is more than a bundle has.
  private static func objects(in database: Database) throws -> [[String]] {
    try database.all(
      """
      SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema
      ORDER BY type, name, tbl_name LIMIT 1000
      """
    ) { [try $0.text(), try $0.text(), try $0.text(), try $0.text()] }
  }

  private static func expectedObjects(_ version: Int) throws -> [[String]] {
    let model = try Database(path: ":memory:", busyTimeout: 0)
    try Schema.lay(version, for: Schema.bundleID, in: model)
    return try objects(in: model)
  }
}
