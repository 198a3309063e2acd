/// What went wrong in the registry: a code to switch on and a message that says what, where and what to do.
///
/// Values bound to SQL statements never stand in a message that SQLite wrote.
public struct RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Equatable {
    /// The file cannot be opened, read or written where it lies.
    case cannotOpen
    /// The file may not be written where it lies.
    case readOnly
    /// The file was deleted, replaced or moved away while it was open.
    case replaced
    /// The file is not a Lorikeet registry.
    case foreignFile
    /// The file was written by a newer Lorikeet.
    case newerSchema
    /// The file or a blob inside is damaged.
    case damaged
    /// Another process holds the registry for longer than we wait.
    case busy
    /// No space left on the disk.
    case full
    /// A name, alias, reference or argument that breaks the rules.
    case badArgument
    /// Nothing of that name, number or digest.
    case notFound
    /// Something else of that name is there already.
    case exists
    /// It is in use, so it is not removed.
    case protected
    /// A rollback past the first move of an alias.
    case noHistory
    /// An alias that another process has moved since it was looked at.
    case moved
    /// A run that is not (or no longer) this process's to write.
    case notOwner
    /// A key that was revoked while its holder's change waited.
    case keyRevoked
    /// Any other complaint of SQLite.
    case database
  }

  /// What kind of failure.
  public var code: Code
  /// What, where and what to do, in one line.
  public var message: String
  /// SQLite's extended result code, where SQLite complained.
  public var sqliteCode: Int32?

  /// An error of kind `code`.
  public init(_ code: Code, _ message: String, sqliteCode: Int32? = nil) {
    self.code = code
    self.message = message
    self.sqliteCode = sqliteCode
  }

  /// The error with the registry's path in its message.
  func told(of path: String) -> RegistryError {
    if message.contains("'\(path)'") { return self }
    return RegistryError(code, "registry '\(path)': \(message)", sqliteCode: sqliteCode)
  }

  /// The message.
  public var description: String { message }
}
