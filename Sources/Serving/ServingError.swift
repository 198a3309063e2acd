/// Why a request cannot be served.
public struct ServingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable { case badRequest, tooLong, wrongBase, noRoom }

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
