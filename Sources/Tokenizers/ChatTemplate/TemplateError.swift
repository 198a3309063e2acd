/// Why a chat template was refused or could not be rendered.
public struct TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    /// The text is not a template.
    case syntax
    /// The template is valid Jinja and uses something that is not built here.
    case unsupported
    /// An operation on a value that does not exist.
    case undefined
    /// An operation on a value of the wrong type.
    case wrongType
    /// An operation on a value of the right type and with no answer, such as a division by zero.
    case badValue
    /// The template itself called `raise_exception`.
    case raised
    /// The template is too large, too deep, or does not end.
    case limit
  }

  /// What kind of error it is.
  public var code: Code
  /// What, where, and what to do, in a sentence.
  public var message: String
  /// The line of the template, counted from 1; nil where the error is not in its text.
  public var line: Int?

  /// An error of the template, or of what is handed to it.
  public init(_ code: Code, _ message: String, line: Int? = nil) {
    self.code = code
    self.message = message
    self.line = line
  }

  /// The message with its place.
  public var description: String {
    guard let line else { return "chat template: \(message)" }
    return "chat template, line \(line): \(message)"
  }
}
