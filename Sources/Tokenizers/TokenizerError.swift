/// Why a tokenizer could not be loaded: what is wrong, where, and what was expected.
public struct TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of refusal.
  public enum Code: Sendable {
    /// The bytes are not what they claim to be.
    case malformed
    /// A part that is needed is not there.
    case missing
    /// A component that this library does not know; the message names it.
    case unsupported
    /// Two parts of the file contradict each other.
    case inconsistent
    /// The file is beyond the sizes that are read.
    case tooLarge
  }

  /// What to switch on.
  public var code: Code
  /// What to show: what is wrong, and where.
  public var message: String

  /// An error of a kind, with its message.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
