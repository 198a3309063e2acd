import Foundation
import Glibc
import Synchronization

/// A database that is written beside its place and moved there when it is whole.
///
/// Its name tells the process that writes it, so that the next for the same place takes away what a killed one left.
struct ScratchFile: ~Copyable {
  /// Where it is to stand.
  let place: String
  /// Where it is written: on the same file system.
  let path: String

  private static let count = Atomic<Int>(0)

  /// A name for a file that will stand at `place`; nothing is written yet.
  init(for place: String) {
    self.place = place
    Self.removeLeftovers(beside: place)
    let number = Self.count.add(1, ordering: .relaxed).newValue
    path = "\(place).part-\(Owner(of: .current).text)-\(number)"
  }

  deinit { Self.removeDatabase(path) }

  /// Refuses a file that is not sound in structure and references.
  func check(calledBy file: String) throws {
    let copy = try Database(path: path, create: false, busyTimeout: 10_000)
    if let first = try copy.faults(atMost: 1).first {
      throw RegistryError(.damaged, "'\(file)': \(first); nothing was changed")
    }
  }

  /// Brings it to the disk and moves it to its place in one step.
  func moveIntoPlace() throws {
    try Self.sync(path)
    guard unsafe Glibc.rename(path, place) == 0 else { throw Self.failure("write", place) }
    try Self.sync(URL(fileURLWithPath: place).deletingLastPathComponent().path)
  }

  /// The complaint that `verb` could not be done to `path`, with the system's reason.
  static func failure(_ verb: String, _ path: String) -> RegistryError {
    let isFull = [ENOSPC, EDQUOT, EFBIG].contains(errno)
    return RegistryError(
      isFull ? .full : .cannotOpen,
      "cannot \(verb) '\(path)' (\(unsafe String(cString: strerror(errno))))")
  }

  private static func sync(_ path: String) throws {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("write", path) }
  }

  private static func removeDatabase(_ path: String) {
    for tail in tails { _ = unsafe unlink(path + tail) }
  }

  /// What SQLite appends to a database's name.
  private static let tails = ["", "-journal", "-wal", "-shm"]
}

extension ScratchFile {
  /// Removes the scratch files for `place` whose processes are gone.
  ///
  /// One of another container, whose processes cannot be seen from here, goes when it is a day old.
  private static func removeLeftovers(beside place: String) {
    let url = URL(fileURLWithPath: place)
    let folder = url.deletingLastPathComponent().path
    let prefix = url.lastPathComponent + ".part-"
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    where name.hasPrefix(prefix) {
      guard let owner = Owner(name.dropFirst(prefix.count)) else { continue }
      let file = folder + "/" + name
      if owner.isGone ?? isOld(file) { _ = unsafe unlink(file) }
    }
  }

  private static func isOld(_ file: String) -> Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    guard let modified = attributes?[.modificationDate] as? Date else { return false }
    return modified < Date(timeIntervalSinceNow: -86_400)
  }

  /// The process in a scratch file's name: number, start and namespace.
  private struct Owner {
    let process: Int
    let start: Int
    let space: Int

    init(of identity: ProcessIdentity) {
      process = identity.process
      start = identity.start
      space = Int(identity.space.filter(\.isNumber)) ?? 0
    }

    /// Reads `PROCESS-START-SPACE-NUMBER`, with whatever SQLite has put behind it.
    init?(_ text: Substring) {
      let numbers = text.split(separator: "-").prefix(4).map { Int($0) }
      guard numbers.count == 4, let process = numbers[0], let start = numbers[1],
        let space = numbers[2], numbers[3] != nil
      else { return nil }
      (self.process, self.start, self.space) = (process, start, space)
    }

    var text: String { "\(process)-\(start)-\(space)" }

    /// Whether the process has ended; nil where that cannot be seen from here.
    var isGone: Bool? {
      let here = ProcessIdentity.current
      guard space == Owner(of: here).space else { return nil }
      let owner = ProcessIdentity(
        process: process, start: start, boot: here.boot, space: here.space)
      return owner.isAlive.map { !$0 }
    }
  }
}
