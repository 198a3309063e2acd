import CSQLite
import Glibc

/// Compiled statements that wait to be used again, by their SQL.
@safe final class StatementCache {
  private var idle: [String: OpaquePointer] = unsafe [:]

  /// Takes the idle statement of `sql` out.
  func take(_ sql: String) -> OpaquePointer? { unsafe idle.removeValue(forKey: sql) }

  /// Puts `handle` back, or finalizes it where one of the same SQL waits already.
  func put(_ handle: OpaquePointer, for sql: String) {
    if unsafe idle[sql] == nil {
      unsafe idle[sql] = handle
    } else {
      unsafe sqlite3_finalize(handle)
    }
  }

  /// Finalizes all.
  func removeAll() {
    for unsafe(_, handle) in unsafe idle { unsafe sqlite3_finalize(handle) }
    unsafe idle.removeAll()
  }
}

/// A compiled statement in use: reset and given back to its connection's cache at the end of its life.
@safe struct Statement: ~Copyable {
  private let connection: OpaquePointer
  private let handle: OpaquePointer
  private let sql: String
  private let cache: StatementCache

  /// Takes the statement of `sql` from `cache` or compiles it on `connection`.
  init(_ sql: String, on connection: OpaquePointer, cache: StatementCache) throws {
    if let ready = unsafe cache.take(sql) {
      unsafe self.handle = unsafe ready
    } else {
      var compiled: OpaquePointer?
      let result = unsafe sqlite3_prepare_v3(
        connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil)
      guard result == SQLITE_OK, let compiled = unsafe compiled else {
        throw unsafe RegistryError.sqlite(result, connection)
      }
      unsafe self.handle = unsafe compiled
    }
    unsafe self.connection = unsafe connection
    self.sql = sql
    self.cache = cache
  }

  deinit {
    unsafe sqlite3_reset(handle)
    unsafe sqlite3_clear_bindings(handle)
    unsafe cache.put(handle, for: sql)
  }

  /// Binds `values` to the parameters from the first on.
  func bind(_ values: [SQLValue]) throws {
    precondition(
      values.count == Int(unsafe sqlite3_bind_parameter_count(handle)), "parameters of: \(sql)")
    for (offset, value) in values.enumerated() {
      let index = Int32(offset + 1)
      switch value {
      case .null: try check(unsafe sqlite3_bind_null(handle, index))
      case .integer(let number): try check(unsafe sqlite3_bind_int64(handle, index, number))
      case .real(let number): try check(unsafe sqlite3_bind_double(handle, index, number))
      case .text(let text):
        try check(unsafe csqlite_bind_text(handle, index, text, UInt64(text.utf8.count)))
      }
    }
  }

  /// Runs to the next row; false where there is none.
  func step() throws -> Bool {
    errno = 0  // an error tells by it whether the disk is full
    let result = unsafe sqlite3_step(handle)
    switch result {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw unsafe RegistryError.sqlite(result, connection)
    }
  }

  /// Makes ready for other values.
  func reset() { unsafe sqlite3_reset(handle) }

  /// Binds `bytes` to the parameter after the last of `values`, without a copy, and runs to the end.
  func run(_ values: [SQLValue], bytes: ArraySlice<UInt8>) throws {
    precondition(values.count + 1 == Int(unsafe sqlite3_bind_parameter_count(handle)))
    let index = Int32(values.count + 1)
    try unsafe bytes.withUnsafeBytes { buffer in
      try check(
        unsafe csqlite_bind_blob_in_place(handle, index, buffer.baseAddress, UInt64(buffer.count)))
      for (offset, value) in values.enumerated() {
        guard case .integer(let number) = value else { preconditionFailure("integers only") }
        try check(unsafe sqlite3_bind_int64(handle, Int32(offset + 1), number))
      }
      defer {
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
      }
      _ = try step()
    }
  }

  /// The row that the last `step()` stopped at.
  var row: Row { unsafe Row(handle) }

  private func check(_ result: Int32) throws {
    if result != SQLITE_OK { throw unsafe RegistryError.sqlite(result, connection) }
  }
}
