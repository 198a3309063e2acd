/// Why a model cannot be made from a checkpoint, or cannot run a batch.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable { case badShape, badToken, tooLong, missingTensor }

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
