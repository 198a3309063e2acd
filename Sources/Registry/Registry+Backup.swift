public import Foundation
import Glibc

extension Registry {
  /// Writes the whole registry as it is now into one file, while other processes go on reading and writing.
  ///
  /// The file is written beside its place, checked, brought to the disk and then moved there.
  /// - Parameter replacing: Whether a file that is there gives way.
  public func backup(to file: String, replacing: Bool = false) throws {
    guard replacing || !FileManager.default.fileExists(atPath: file) else {
      throw RegistryError(.exists, "'\(file)' is there already; choose another name or replace it")
    }
    guard !Self.isSameFile(file, path) else {
      throw RegistryError(.badArgument, "'\(file)' is the registry itself; choose another name")
    }
    let scratch = Self.scratch(beside: file)
    defer { Self.removeDatabase(scratch) }
    try read { try $0.run("VACUUM INTO ?", [.text(scratch)]) }
    try Self.check(scratch, calledBy: file)
    try Self.place(scratch, at: file)
  }

  /// Puts the backup `file` in the place of the registry at `path`.
  ///
  /// The backup is copied and checked before anything is touched.
  /// - Parameters:
  ///   - replacing: Whether a registry that holds something gives way; it is kept beside its place.
  ///   - now: The time, for the name of the one that gives way.
  /// - Returns: Where the registry that was there is kept; nil where there was none, or an empty one.
  /// - Throws: `RegistryError` where the backup is not sound, or another process has the registry open.
  @discardableResult
  public static func restore(
    _ file: String, to path: String, replacing: Bool = false, now: Date = Date()
  ) throws -> String? {
    guard !isSameFile(file, path) else {
      throw RegistryError(.badArgument, "'\(file)' is the registry itself; give a backup")
    }
    let scratch = scratch(beside: path)
    defer { removeDatabase(scratch) }
    do {
      let backup = try Database(path: file, create: false, busyTimeout: 10_000)
      guard try Schema.check(backup, path: file) > 0 else {
        throw RegistryError(.foreignFile, "'\(file)' is empty, not a backup; give another file")
      }
      try checkWhole(file, pageSize: backup.integer("PRAGMA page_size"))
      try backup.run("VACUUM INTO ?", [.text(scratch)])
    } catch let error as RegistryError {
      throw error.told(of: file)
    }
    try check(scratch, calledBy: file)
    let kept = try setAside(path, replacing: replacing, now: now)
    try place(scratch, at: path)
    let restored = try Database(path: path, create: false, busyTimeout: 10_000)
    try restored.run("PRAGMA journal_mode = WAL")
    return kept
  }

  /// Moves the registry at `path` out of the way; where to, or nil where nothing was worth keeping.
  private static func setAside(_ path: String, replacing: Bool, now: Date) throws -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard try isWorthKeeping(path, replacing: replacing) else { return nil }
    let stamp = now.formatted(
      Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted))
    let kept = "\(path).before-restore-\(stamp)"
    for tail in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + tail) {
      guard unsafe Glibc.rename(path + tail, kept + tail) == 0 else {
        throw failure("keep", path + tail)
      }
    }
    return kept
  }

  /// Whether the registry at `path` holds something; refused where it may not give way or another process has it open.
  private static func isWorthKeeping(_ path: String, replacing: Bool) throws -> Bool {
    do {
      let database = try Database(path: path, create: false, busyTimeout: 1_000)
      var count = 0
      if try Schema.check(database, path: path) > 0 {
        count = try database.integer(
          "SELECT (SELECT count(*) FROM adapters) + (SELECT count(*) FROM bases)")
      }
      guard replacing || count == 0 else {
        throw RegistryError(
          .exists, "the registry '\(path)' holds adapters or bases; replace it, or give another")
      }
      // Leaving the journal's mode needs the file alone, and leaves it whole without a journal.
      try database.run("PRAGMA journal_mode = DELETE")
      return count > 0
    } catch let error as RegistryError where error.code == .busy {
      throw RegistryError(
        .busy, "another process has the registry '\(path)' open; stop it, then restore again")
    } catch let error as RegistryError where error.code == .damaged || error.code == .foreignFile {
      // What cannot be read any more is why one restores; it is kept as it is.
      guard replacing else { throw error }
      return true
    }
  }

  /// Refuses a file that ends within a page: SQLite would read zeros for what is missing.
  private static func checkWhole(_ file: String, pageSize: Int) throws {
    var facts = stat()
    guard unsafe stat(file, &facts) == 0 else { throw failure("read", file) }
    guard pageSize > 0, Int(facts.st_size) % pageSize == 0 else {
      throw RegistryError(.damaged, "'\(file)' is cut short; give another backup")
    }
  }

  /// Refuses a copy that is not sound in structure and references.
  private static func check(_ scratch: String, calledBy file: String) throws {
    let copy = try Database(path: scratch, create: false, busyTimeout: 10_000)
    let found =
      try copy.all("PRAGMA integrity_check(1)") { try $0.text() }.filter { $0 != "ok" }
      + copy.all("PRAGMA foreign_key_check") { "rows of '\(try $0.text())' point at nothing" }
    if let first = found.first {
      throw RegistryError(.damaged, "'\(file)': \(first); nothing was changed")
    }
  }

  /// Brings `scratch` to the disk and moves it to `file`.
  private static func place(_ scratch: String, at file: String) throws {
    try sync(scratch)
    guard unsafe Glibc.rename(scratch, file) == 0 else { throw failure("write", file) }
    try sync(URL(fileURLWithPath: file).deletingLastPathComponent().path)
  }

  private static func sync(_ path: String) throws {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("write", path) }
  }

  private static func scratch(beside path: String) -> String {
    "\(path).part-\(ProcessInfo.processInfo.processIdentifier)"
  }

  private static func removeDatabase(_ path: String) {
    for tail in ["", "-journal", "-wal", "-shm"] { _ = unsafe unlink(path + tail) }
  }

  private static func isSameFile(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard unsafe stat(one, &first) == 0, unsafe stat(other, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  private static func failure(_ verb: String, _ path: String) -> RegistryError {
    RegistryError(
      .cannotOpen, "cannot \(verb) '\(path)' (\(unsafe String(cString: strerror(errno))))")
  }
}
