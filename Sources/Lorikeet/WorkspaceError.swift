/// Why an operation cannot be done, and what to do about it.
public struct WorkspaceError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    /// A folder or file cannot be written.
    case cannotWrite
    /// A download failed, or is not what it should be.
    case badDownload
    /// The base's files are gone, cannot be read, or are not the ones that were added.
    case baseChanged
    /// No base, or several and none named.
    case whichBase
    /// References that cannot be served together, or a wrong setting.
    case badRequest
    /// A version that cannot be served where an alias was to lead to it.
    case notServable
    /// Another process is at it.
    case busy
  }

  /// The kind of fault.
  public var code: Code
  /// What, where, and what to do.
  public var message: String

  /// An error of kind `code`.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The same as `message`.
  public var description: String { message }
}
