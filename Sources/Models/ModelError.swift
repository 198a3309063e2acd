/// Why a model cannot be made from a checkpoint, or cannot run a batch.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable { case badShape, badToken, tooLong, missingTensor, noMemory }

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
