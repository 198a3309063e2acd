/// One sequence's rows in a batch.
public struct Segment: Sendable, Equatable {
  /// Its rows.
  public var rows: Range<Int>
  /// The position of the first row in its sequence.
  public var firstPosition: Int

  /// Rows of a sequence from `firstPosition` on.
  public init(rows: Range<Int>, firstPosition: Int = 0) {
    self.rows = rows
    self.firstPosition = firstPosition
  }
}

/// Rows of tokens; segments say which sequence and which positions they are. There is no padding.
///
/// Prefill, decode and packed training are all this shape.
public struct RaggedBatch: Sendable, Equatable {
  /// One token a row.
  public private(set) var tokens: [Int32] = []
  /// One segment a sequence, covering all rows in order.
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

  /// How many rows there are.
  public var rowCount: Int { tokens.count }

  /// The position of every row.
  public var positions: [Int] {
    segments.flatMap { segment in
      (0..<segment.rows.count).map { segment.firstPosition + $0 }
    }
  }
}
