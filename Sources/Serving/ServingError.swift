/// Why a request cannot be served.
public struct ServingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    /// A setting or a prompt makes no sense.
    case badRequest
    /// The prompt does not fit the model's context.
    case tooLong
    /// An adapter is not for the loaded base, or not what it should be.
    case wrongBase
    /// An adapter could not be loaded.
    case badAdapter
    /// It needs more memory than there is now.
    case noRoom
    /// It needs more memory than there will ever be.
    case tooLarge
    /// Too many requests wait.
    case busy
    /// The engine takes no more requests.
    case stopping
    /// It could not be answered in the time that it had.
    case late
    /// A fault of ours.
    case broken
  }

  /// The kind of fault.
  public var code: Code
  /// What, where, and what to do.
  public var message: String
  /// The bytes that found no room, where it is that.
  public var bytes: Int?

  /// An error of kind `code`.
  public init(_ code: Code, _ message: String, bytes: Int? = nil) {
    self.code = code
    self.message = message
    self.bytes = bytes
  }

  /// The same as `message`.
  public var description: String { message }
}
