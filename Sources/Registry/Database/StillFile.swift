import Foundation
import Glibc

/// A registry file that cannot be written from here, as it was at one moment.
///
/// SQLite needs to write beside a file to read it together with others. Where that is forbidden (a snapshot, a backup on a
/// read-only medium, another person's file) and no writer has left a journal, it can be read as it stands, as long as it
/// stays so.
struct StillFile: Sendable {
  private let path: String
  private let facts: Facts

  private struct Facts: Equatable {
    var device, inode: UInt64
    var size: Int64
    var seconds, nanoseconds: Int

    init?(_ path: String) {
      var found = stat()
      guard unsafe stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return nil }
      (device, inode, size) = (UInt64(found.st_dev), UInt64(found.st_ino), Int64(found.st_size))
      (seconds, nanoseconds) = (found.st_mtim.tv_sec, found.st_mtim.tv_nsec)
    }
  }

  /// Nil where the file at `path` is not there, may be written, or has a journal that counts.
  /// - Parameter even: Whether one that may be written will do.
  init?(path: String, even mayBeWritten: Bool = false) {
    // First whether it is there: another process may be about to make it.
    guard let facts = Facts(path) else { return nil }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let isForbidden = Self.forbidsWriting(path) || Self.forbidsWriting(folder)
    guard mayBeWritten || isForbidden, !Self.hasJournal(path) else { return nil }
    self.path = path
    self.facts = facts
  }

  /// What SQLite calls the file so that it leaves out locks and journals (sqlite.org/uri.html).
  var address: String { URL(fileURLWithPath: path).absoluteString + "?immutable=1" }

  /// Whether nobody has written it since.
  var isStill: Bool { Facts(path) == facts && !Self.hasJournal(path) }

  private static func forbidsWriting(_ path: String) -> Bool {
    unsafe faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0
      && [EACCES, EROFS, EPERM].contains(errno)
  }

  private static func hasJournal(_ path: String) -> Bool {
    ["-wal", "-journal"].contains { Facts(path + $0).map { $0.size > 0 } ?? false }
  }
}
