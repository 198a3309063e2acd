/// Why a server could not start: a code to switch on and a message that says what, where and what to do.
public struct HTTPServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Equatable {
    /// An option outside its range.
    case badOption
    /// An address that is none, or none of this machine.
    case badAddress
    /// Another process listens there.
    case addressInUse
    /// This process may not listen there.
    case notPermitted
    /// A certificate or key that is none, or two that do not belong together.
    case badCertificate
    /// Whatever else the system complained about.
    case system
  }

  /// The kind of failure.
  public var code: Code
  /// What, where and what to do.
  public var message: String

  /// An error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
