/// Why a request cannot be served.
public struct ServingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable { case badRequest, tooLong, wrongBase, noRoom }

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
