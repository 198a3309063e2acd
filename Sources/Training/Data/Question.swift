public import Tokenizers

/// A question to put to the model, with the answer that it should give.
public struct Question: Sendable, Equatable {
  /// What the model reads, up to where its answer begins.
  public var prompt: [Token]
  /// What was asked, as a person wrote it: the last turn before the answer.
  public var text: String
  /// The answer it should give.
  public var reference: String
  /// The line of the row that it comes from.
  public var line: Int
}
