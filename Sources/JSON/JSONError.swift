/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    case unexpectedEnd, unexpectedCharacter, badNumber, badString, duplicateKey, tooDeep,
      trailingText
  }

  /// The kind of fault.
  public var code: Code
  /// What is wrong, without the place.
  public var reason: String
  /// Bytes before the fault.
  public var offset: Int
  /// Line of the fault, from 1.
  public var line: Int

  /// An error at `offset` bytes, on `line`.
  public init(_ code: Code, _ reason: String, offset: Int, line: Int) {
    self.code = code
    self.reason = reason
    self.offset = offset
    self.line = line
  }

  /// The reason and the place, for people.
  public var message: String { "\(reason) (line \(line), byte \(offset))" }
  /// The same as `message`.
  public var description: String { message }
}
