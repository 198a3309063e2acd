import CSQLite
import Glibc

extension RegistryError {
  /// The error for `result` as `connection` tells it.
  @unsafe static func sqlite(_ result: Int32, _ connection: OpaquePointer?) -> RegistryError {
    // First of all: what comes after may change it. SQLite itself keeps it of some failures only, a commit's not among them.
    let system = errno
    let extended = unsafe connection.map { unsafe sqlite3_extended_errcode($0) } ?? result
    let said =
      unsafe connection.flatMap { unsafe sqlite3_errmsg($0) }.map { unsafe String(cString: $0) }
      ?? String(cString: unsafe sqlite3_errstr(result))
    let result = unsafe isFull(result, system, connection) ? SQLITE_FULL : result
    return RegistryError(code(result), sentence(result, said), sqliteCode: extended)
  }

  /// Whether `result` comes of a disk, quota or file that takes no more; SQLite says "full" only of the first.
  @unsafe private static func isFull(
    _ result: Int32, _ system: Int32, _ connection: OpaquePointer?
  ) -> Bool {
    let full = [ENOSPC, EDQUOT, EFBIG]
    return switch result & 0xff {
    case SQLITE_FULL: true
    case SQLITE_IOERR, SQLITE_CANTOPEN:
      full.contains(system) || full.contains(unsafe sqlite3_system_errno(connection))
    default: false
    }
  }

  private static func code(_ result: Int32) -> Code {
    switch result & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    case SQLITE_FULL: .full
    case SQLITE_CORRUPT: .damaged
    case SQLITE_NOTADB: .foreignFile
    case SQLITE_READONLY, SQLITE_PERM: .readOnly
    case SQLITE_CANTOPEN, SQLITE_IOERR: .cannotOpen
    default: .database
    }
  }

  private static func sentence(_ result: Int32, _ said: String) -> String {
    switch result & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED:
      "another process is writing the registry for too long (\(said)); try again"
    case SQLITE_FULL:
      "no space left to write the registry (\(said)); free some space or raise the limit; nothing was changed"
    case SQLITE_CORRUPT:
      "the registry file is damaged (\(said)); restore it from a backup"
    case SQLITE_NOTADB:
      "the file is not a Lorikeet registry (\(said)); give another path"
    case SQLITE_READONLY, SQLITE_PERM:
      "the registry may only be read (\(said)); check the permissions of the file and its folder"
    case SQLITE_CANTOPEN:
      "the registry file cannot be opened (\(said)); check that its folder exists"
    case SQLITE_IOERR:
      "the registry file cannot be read or written (\(said)); check the disk"
    default:
      "the registry refused: \(said)"
    }
  }
}
