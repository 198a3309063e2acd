public import Tokenizers

/// The tokens of one row, with the ones to learn marked.
public struct TrainingSequence: Sendable, Equatable {
  /// What the model reads.
  public var tokens: [Token]
  /// Whether token i is to be foreseen from those before it; never so for the first one.
  public var isTarget: [Bool]
  /// The line of the row that it comes from.
  public var line: Int

  /// Tokens and marks, as many of the one as of the other.
  public init(tokens: [Token], isTarget: [Bool], line: Int) {
    precondition(tokens.count == isTarget.count, "TrainingSequence: tokens and marks differ")
    self.tokens = tokens
    self.isTarget = isTarget
    self.line = line
  }

  /// Tokens to learn.
  public var targetCount: Int { isTarget.count { $0 } }
}
