/// What is wrong with a checkpoint or one of its files, and where.
public struct FormatError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    /// The file cannot be opened or is not there.
    case cannotOpen
    /// The file ends before its contents do.
    case truncated
    /// The contents are not what the format asks for.
    case malformed
    /// The contents are well formed, but Lorikeet does not run such a model.
    case unsupported
    /// A tensor that the model needs is not there.
    case missingTensor
    /// A tensor is there that the model has no place for.
    case unexpectedTensor
    /// A tensor has another shape than the model needs.
    case badShape
    /// A weight is NaN or infinite.
    case notFinite
  }

  /// The kind of fault.
  public var code: Code
  /// What is wrong, where, and what to do.
  public var message: String
  /// Bytes before the fault, where a place in a file is meant.
  public var offset: Int?

  /// An error.
  public init(_ code: Code, _ message: String, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  /// The message, for people.
  public var description: String {
    offset.map { "\(message) (at byte \($0))" } ?? message
  }

  /// The same error, told of the file at `path`.
  func inFile(_ path: String) -> FormatError {
    FormatError(code, "'\(path)': \(message)", offset: offset)
  }
}

/// A name from a file, short enough to be printed and without control characters.
func shown(_ name: String) -> String {
  let clean = name.unicodeScalars.prefix(120).map { scalar -> Character in
    scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "?" : Character(scalar)
  }
  return String(clean) + (name.unicodeScalars.count > 120 ? "..." : "")
}
