/// Consecutive rows of a batch that go on one sequence, or several that have these tokens in common.
public struct Segment: Sendable, Equatable {
  /// Its rows.
  public var rows: Range<Int>
  /// The position of the first row in its sequence.
  public var firstPosition: Int
  /// The rows of earlier segments that hold the positions before it, from position 0 on; empty where it begins its
  /// sequence, or a cache holds them.
  public var prefix: [Range<Int>]

  /// Rows of a sequence from `firstPosition` on.
  public init(rows: Range<Int>, firstPosition: Int = 0, prefix: [Range<Int>] = []) {
    self.rows = rows
    self.firstPosition = firstPosition
    self.prefix = prefix
  }
}

/// Rows of tokens; segments say which sequence and which positions they are. There is no padding.
///
/// Prefill, decode and packed training are all this shape. Sequences that begin alike can share the rows of what
/// they have in common: each goes on after the same prefix.
public struct RaggedBatch: Sendable, Equatable {
  /// One token a row.
  public private(set) var tokens: [Int32] = []
  /// What the rows are, covering all of them in order.
  public private(set) var segments: [Segment] = []

  /// An empty batch.
  public init() {}

  /// A batch of whole sequences, each from position 0.
  public init(sequences: [[Int32]]) {
    for sequence in sequences { append(sequence) }
  }

  /// Adds rows that go on a sequence at `firstPosition`.
  public mutating func append(_ tokens: [Int32], firstPosition: Int = 0) {
    let start = self.tokens.count
    self.tokens += tokens
    segments.append(Segment(rows: start..<self.tokens.count, firstPosition: firstPosition))
  }

  /// Adds rows that go on a sequence whose beginning the rows of `prefix`, whole segments in their order, hold.
  public mutating func append(_ tokens: [Int32], after prefix: [Range<Int>]) {
    append(tokens, firstPosition: prefix.reduce(0) { $0 + $1.count })
    segments[segments.count - 1].prefix = prefix
  }

  /// How many rows there are.
  public var rowCount: Int { tokens.count }

  /// The position of every row.
  public var positions: [Int] {
    segments.flatMap { segment in
      (0..<segment.rows.count).map { segment.firstPosition + $0 }
    }
  }
}
