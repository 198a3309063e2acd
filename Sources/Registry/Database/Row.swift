import CSQLite
package import Digests
package import Foundation

/// One row of a result, read from its first column on: each call takes the next column.
///
/// Valid until its statement steps on; lives only inside the closures of `Database`. A value of another type than
/// asked for means that the file was not written by us: an error, never a default.
@safe package struct Row: ~Copyable {
  private let handle: OpaquePointer
  private var column: Int32 = 0

  init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  /// The next column, an integer.
  package mutating func integer() throws -> Int {
    try take(SQLITE_INTEGER, "an integer")
    return Int(unsafe sqlite3_column_int64(handle, column - 1))
  }

  /// The next column, a real number; an integer will do.
  package mutating func real() throws -> Double {
    if unsafe sqlite3_column_type(handle, column) == SQLITE_INTEGER { return Double(try integer()) }
    try take(SQLITE_FLOAT, "a number")
    return unsafe sqlite3_column_double(handle, column - 1)
  }

  /// The next column, a text.
  package mutating func text() throws -> String {
    try take(SQLITE_TEXT, "a text")
    guard let start = unsafe sqlite3_column_text(handle, column - 1) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(handle, column - 1))
    return unsafe String(
      decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// The next column, a digest.
  package mutating func digest() throws -> Digest {
    guard let digest = Digest(hex: try text()) else { throw wrong("a SHA-256 digest") }
    return digest
  }

  /// The next column, a time.
  package mutating func date() throws -> Date {
    Date(timeIntervalSince1970: Double(try integer()) / 1000)
  }

  /// The next column, 64 bits kept as an integer.
  package mutating func bits() throws -> UInt64 { UInt64(bitPattern: Int64(try integer())) }

  /// The next column through `read`, or nil where it is NULL.
  package mutating func optional<T>(_ read: (inout Row) throws -> T) throws -> T? {
    if unsafe sqlite3_column_type(handle, column) == SQLITE_NULL {
      column += 1
      return nil
    }
    return try read(&self)
  }

  private mutating func take(_ type: Int32, _ what: String) throws {
    precondition(unsafe column < sqlite3_column_count(handle), "more columns read than selected")
    column += 1
    if unsafe sqlite3_column_type(handle, column - 1) != type { throw wrong(what) }
  }

  private func wrong(_ what: String) -> RegistryError {
    let name = unsafe sqlite3_column_name(handle, column - 1).map { unsafe String(cString: $0) }
    return RegistryError(
      .damaged,
      "the registry file holds something else than \(what) in column '\(name ?? "?")'; "
        + "restore it from a backup")
  }
}
