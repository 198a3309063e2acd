/// What went wrong with a dataset, a recipe or a training run: what, where, and what to do.
public struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    /// A file cannot be opened or read, or is too large.
    case cannotRead
    /// A dataset holds a line that cannot be read, or nothing to learn from.
    case badData
    /// A recipe's file or a flag has an unknown key, a value of the wrong type or out of range.
    case badRecipe
    /// The chat template is missing, or cannot tell where an answer starts.
    case badTemplate
    /// A checkpoint of a run does not belong to it.
    case badCheckpoint
    /// The loss or the gradient is no longer a number.
    case diverged
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
