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

/// What became of a dataset's rows.
public struct EncodingReport: Sendable, Equatable {
  /// Rows read.
  public var rows = 0
  /// Sequences made of them: plain text may give several a row.
  public var sequences = 0
  /// Tokens of all sequences.
  public var tokens = 0
  /// Tokens to learn.
  public var targets = 0
  /// Rows that were longer than allowed and lost tokens.
  public var truncated = 0
  /// Rows left out, because they are longer than allowed or nothing to learn was left of them.
  public var dropped = 0
  /// Tokens of the longest row before it was cut.
  public var longest = 0

  /// Nothing read.
  public init() {}

  /// What a person should know, or nil where all is well.
  public func warning(maximumLength: Int) -> String? {
    guard truncated > 0 || dropped > 0 else { return nil }
    var parts: [String] = []
    if truncated > 0 { parts.append("\(truncated) were cut") }
    if dropped > 0 { parts.append("\(dropped) were left out") }
    return "of \(rows) rows, \(parts.joined(separator: " and ")): the longest has \(longest)"
      + " tokens, and at most \(maximumLength) are allowed"
  }
}

/// The sequences of a dataset and what became of its rows.
public struct EncodedDataset: Sendable, Equatable {
  /// The sequences in file order.
  public var sequences: [TrainingSequence]
  /// What became of the rows.
  public var report: EncodingReport
}

/// A question to put to the model, with the answer that it should give.
public struct Question: Sendable, Equatable {
  /// What the model reads, up to where its answer begins.
  public var prompt: [Token]
  /// The answer it should give.
  public var reference: String
  /// The line of the row that it comes from.
  public var line: Int
}

/// Which tokens are learnt.
public enum LossScope: String, Sendable, CaseIterable {
  /// All of the assistant's answers.
  case all
  /// The last answer only.
  case last
  /// Every token, questions too.
  case everything
}

/// What becomes of a row that is longer than allowed.
public enum Truncation: String, Sendable, CaseIterable {
  /// Its start is cut as far as the answer needs, but half of the room is kept for what stands before it.
  case keepAnswer = "keep-answer"
  /// Its end is cut.
  case keepStart = "keep-start"
  /// It is left out.
  case drop
}
