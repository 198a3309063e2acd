public import Foundation
import Glibc

extension Registry {
  /// Writes the whole registry as it is now into one file, while other processes go on reading and writing.
  ///
  /// The file is written beside its place, checked, brought to the disk and then moved there.
  /// - Parameter replacing: Whether a file that is there gives way.
  public func backup(to file: String, replacing: Bool = false) throws {
    try checkPlace(file, replacing: replacing)
    let scratch = ScratchFile(for: file)
    do {
      try read { try $0.run("VACUUM INTO ?", [.text(scratch.path)]) }
    } catch let error as RegistryError {
      throw Self.copyFailure(error, of: path, to: file)
    }
    try scratch.check(calledBy: file)
    try scratch.moveIntoPlace()
  }

  /// Refuses `file` as a place to write where something stands that may not give way.
  func checkPlace(_ file: String, replacing: Bool) throws {
    guard replacing || !FileManager.default.fileExists(atPath: file) else {
      throw RegistryError(
        .exists,
        "'\(file)' is there already; choose another name, or let it give way with --replace")
    }
    guard !Self.isSameFile(file, path) else {
      throw RegistryError(.badArgument, "'\(file)' is the registry itself; choose another name")
    }
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
    guard FileManager.default.fileExists(atPath: file) else {
      throw RegistryError(.notFound, "there is no file '\(file)'; give one that 'backup' wrote")
    }
    let scratch = ScratchFile(for: path)
    do {
      let backup = try Database(path: file, create: false, busyTimeout: 10_000)
      guard try Schema.check(backup, path: file) > 0 else {
        throw RegistryError(.foreignFile, "'\(file)' is empty, not a backup; give another file")
      }
      try checkWhole(file, pageSize: backup.integer("PRAGMA page_size"))
      try backup.run("VACUUM INTO ?", [.text(scratch.path)])
    } catch let error as RegistryError {
      throw copyFailure(error, of: file, to: path)
    }
    try scratch.check(calledBy: file)
    // Now, not in its place: from the moment it stands there it is as any registry.
    try Database(path: scratch.path, create: false, busyTimeout: 0).run("PRAGMA journal_mode = WAL")
    let kept = try keep(path, replacing: replacing, now: now)
    try scratch.moveIntoPlace()
    return kept
  }

  /// Gives the registry at `path` a second name, under which it stays; nil where nothing is worth keeping.
  ///
  /// It stands at `path` too until another takes the place: at no moment is there no registry. A journal whose registry
  /// is gone is moved as well: SQLite would put its pages into the one that comes.
  private static func keep(_ path: String, replacing: Bool, now: Date) throws -> String? {
    let isThere = FileManager.default.fileExists(atPath: path)
    let isKept = try isThere && isWorthKeeping(path, replacing: replacing)
    let kept = freeName(path, now: now)
    // Some file systems know no second names: there it is moved.
    if isKept, unsafe link(path, kept) != 0, unsafe Glibc.rename(path, kept) != 0 {
      throw ScratchFile.failure("keep", path)
    }
    for tail in ["-wal", "-shm", "-journal"]
    where FileManager.default.fileExists(atPath: path + tail) {
      guard unsafe Glibc.rename(path + tail, kept + tail) == 0 else {
        throw ScratchFile.failure("keep", path + tail)
      }
    }
    return isKept ? kept : nil
  }

  /// A name for what gives way that nothing has yet: clocks go back, and two restores fit into a second.
  private static func freeName(_ path: String, now: Date) -> String {
    let stamp = now.formatted(
      Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted))
    let name = "\(path).before-restore-\(stamp)"
    func isTaken(_ name: String) -> Bool {
      ["", "-wal", "-shm", "-journal"].contains {
        FileManager.default.fileExists(atPath: name + $0)
      }
    }
    var number = 1
    func candidate() -> String { number == 1 ? name : "\(name)-\(number)" }
    while isTaken(candidate()) { number += 1 }
    return candidate()
  }

  /// Whether the registry at `path` holds something; refused where it may not give way or another process has it open.
  private static func isWorthKeeping(_ path: String, replacing: Bool) throws -> Bool {
    do {
      let database = try Database(path: path, create: false, busyTimeout: 1_000)
      var count = 0
      let version = try Schema.check(database, path: path)
      if version > 0 {
        count = try database.integer(
          "SELECT (SELECT count(*) FROM adapters) + (SELECT count(*) FROM bases)")
      }
      if version >= Schema.keysVersion {
        count += try database.integer("SELECT count(*) FROM api_keys")
      }
      guard replacing || count == 0 else {
        throw RegistryError(
          .exists,
          "the registry '\(path)' holds adapters, bases or keys; let it give way with --replace, "
            + "or name another with --registry")
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

  /// What went wrong while `source` was copied: told of the copy where that could not be written.
  private static func copyFailure(_ error: RegistryError, of source: String, to file: String)
    -> RegistryError
  {
    if error.code == .full {
      return RegistryError(
        .full,
        "no space left to write '\(file)'; free some space or give another place; "
          + "nothing was changed", sqliteCode: error.sqliteCode)
    }
    guard error.code == .cannotOpen, FileManager.default.isReadableFile(atPath: source) else {
      return error.told(of: source)
    }
    return RegistryError(
      .cannotOpen, "cannot write '\(file)'; check that its folder is there and may be written",
      sqliteCode: error.sqliteCode)
  }

  /// Refuses a file that ends within a page: SQLite would read zeros for what is missing.
  private static func checkWhole(_ file: String, pageSize: Int) throws {
    var facts = stat()
    guard unsafe stat(file, &facts) == 0 else { throw ScratchFile.failure("read", file) }
    guard pageSize > 0, Int(facts.st_size) % pageSize == 0 else {
      throw RegistryError(.damaged, "'\(file)' is cut short; give another backup")
    }
  }

  private static func isSameFile(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard unsafe stat(one, &first) == 0, unsafe stat(other, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }
}
