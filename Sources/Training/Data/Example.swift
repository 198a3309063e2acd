public import Tokenizers

/// One row of a dataset: something to learn from.
public struct Example: Sendable, Equatable {
  /// What a row holds.
  public enum Content: Sendable, Equatable {
    /// A conversation.
    case chat([Message])
    /// A question and its answer.
    case completion(Completion)
    /// A text to learn whole; `isComplete` says that it ends here and does not go on in the next row.
    case text(String, isComplete: Bool)
  }

  /// A question and its answer: a conversation of two turns where the base has a chat template.
  public struct Completion: Sendable, Equatable {
    /// What the system is told first.
    public var system: String?
    /// The question.
    public var prompt: String
    /// What stands between both where there is no chat template.
    public var separator: String
    /// The answer.
    public var completion: String

    /// A question and its answer.
    public init(
      system: String? = nil, prompt: String, separator: String = "", completion: String
    ) {
      self.system = system
      self.prompt = prompt
      self.separator = separator
      self.completion = completion
    }
  }

  /// What the row holds.
  public var content: Content
  /// The line that it starts on, or its place in a JSON list, from 1.
  public var line: Int

  /// A row that starts on `line`.
  public init(_ content: Content, line: Int) {
    self.content = content
    self.line = line
  }
}
