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

// The depths keep the stack below 512 KiB, which `ChatTemplateLimitTests` checks.
extension Jinja {
  /// How deep a template's brackets and blocks may nest.
  static let maximumNesting = 80
  /// How high the tree of an expression may be: a chain of operators or filters adds to it.
  static let maximumHeight = 160
  /// How deep evaluation may nest, macros included.
  static let maximumDepth = 320
  /// How deep lists and dictionaries may nest.
  static let maximumValueDepth = 200
  /// How many letters a name may have: every scope on the way to a variable is asked for it.
  static let maximumName = 256
  /// How many numbers a `range` may hold, as in Jinja's sandbox.
  static let maximumRange = 100_000
}
