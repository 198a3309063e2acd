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

extension EncodedDataset {
  /// Takes in what is left of a row.
  mutating func add(_ parts: [TrainingSequence], of whole: TrainingSequence) {
    let parts = parts.filter { $0.isTarget.contains(true) }
    report.rows += 1
    report.longest = max(report.longest, whole.tokens.count)
    report.sequences += parts.count
    report.tokens += parts.reduce(0) { $0 + $1.tokens.count }
    report.targets += parts.reduce(0) { $0 + $1.targetCount }
    if parts.isEmpty {
      report.dropped += 1
    } else if parts.count == 1, parts[0].tokens.count < whole.tokens.count {
      report.truncated += 1
    }
    sequences += parts
  }
}
