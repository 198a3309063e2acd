/// What went wrong with memory or a file below the level of any format.
public struct TensorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    case cannotOpen, cannotMap, cannotWrite, tooLarge, badShape, noMemory
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
