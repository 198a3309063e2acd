/// What is wrong with an adapter, its configuration or its files: what, where, what to do.
public struct AdapterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may switch on.
  public enum Code: Sendable {
    /// The configuration contradicts itself or has a value out of range.
    case badConfiguration
    /// The configuration asks for something that changes the maths and is not built.
    case unsupported
    /// A regular expression that cannot be read.
    case badPattern
    /// The targets select no linear layer.
    case nothingSelected
    /// A tensor, or a layer of the base, that has no counterpart.
    case unknownTensor
    /// Half of a pair is missing, or a selected layer has no pair.
    case missingTensor
    /// Shapes that do not fit the base or each other.
    case badShape
    /// A NaN or an infinite weight.
    case notFinite
    /// An adapter that would change nothing.
    case noEffect
    /// A file that is missing, too large, or not what its name says.
    case badFile
  }

  /// The kind of fault.
  public var code: Code
  /// What is wrong, where, and what to do.
  public var message: String

  /// An error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message, for people.
  public var description: String { message }
}
