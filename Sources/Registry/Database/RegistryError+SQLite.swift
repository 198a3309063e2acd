import CSQLite

extension RegistryError {
  /// The error for `result` as `connection` tells it.
  @unsafe static func sqlite(_ result: Int32, _ connection: OpaquePointer?) -> RegistryError {
    let extended = unsafe connection.map { unsafe sqlite3_extended_errcode($0) } ?? result
    let said =
      unsafe connection.flatMap { unsafe sqlite3_errmsg($0) }.map { unsafe String(cString: $0) }
      ?? String(cString: unsafe sqlite3_errstr(result))
    return RegistryError(code(result), sentence(result, said), sqliteCode: extended)
  }

  private static func code(_ result: Int32) -> Code {
    switch result & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    case SQLITE_FULL: .full
    case SQLITE_CORRUPT: .damaged
    case SQLITE_NOTADB: .foreignFile
    case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_IOERR: .cannotOpen
    default: .database
    }
  }

  private static func sentence(_ result: Int32, _ said: String) -> String {
    switch result & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED:
      "another process is writing the registry for too long (\(said)); try again"
    case SQLITE_FULL:
      "no space left to write the registry (\(said)); free some space; nothing was changed"
    case SQLITE_CORRUPT:
      "the registry file is damaged (\(said)); restore it from a backup"
    case SQLITE_NOTADB:
      "the file is not a Lorikeet registry (\(said)); give another path"
    case SQLITE_READONLY, SQLITE_PERM:
      "the registry file may not be written (\(said)); check its permissions"
    case SQLITE_CANTOPEN:
      "the registry file cannot be opened (\(said)); check that its folder exists"
    case SQLITE_IOERR:
      "the registry file cannot be read or written (\(said)); check the disk"
    default:
      "the registry refused: \(said)"
    }
  }
}
