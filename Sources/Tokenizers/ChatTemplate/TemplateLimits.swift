/// How much a template may ask for before it is stopped with an error of code `limit`.
///
/// A template comes with a checkpoint, from strangers. The defaults leave room for a conversation
/// of several megabytes.
public struct TemplateLimits: Sendable, Equatable {
  /// The template's own text, in bytes of UTF-8.
  public var sourceBytes = 1 << 20
  /// What is rendered, and each piece of text on the way, in bytes of UTF-8.
  public var outputBytes = 1 << 25
  /// Steps: one for each node evaluated and each element or 16 bytes that an operation touches.
  public var steps = 16_000_000

  /// The default limits.
  public init() {}
}

extension Jinja {
  /// How deep a template's text may nest, chains of operators and filters included.
  static let maximumNesting = 160
  /// How deep evaluation may nest, macros included; what it uses of the stack is measured in the
  /// tests.
  static let maximumDepth = 600
  /// How deep lists and dictionaries may nest.
  static let maximumValueDepth = 200
  /// How many numbers a `range` may hold, as in Jinja's sandbox.
  static let maximumRange = 100_000
}
