import Autograd
public import Tensors

/// A sequence that grows token by token: what the model has seen of it, and what it has yet to see.
public struct DecodingSequence {
  /// Keys and values of the tokens seen.
  public let cache: KeyValueCache
  /// Tokens to feed next: the rest of a prompt, or the last token chosen.
  public var pending: [Int32]

  /// A sequence that `cache` holds the beginning of.
  public init(cache: KeyValueCache, pending: [Int32]) {
    self.cache = cache
    self.pending = pending
  }
}

/// Which rows of a batch belong to which sequence.
public typealias SequenceRows = (sequence: Int, rows: Range<Int>)

extension Model {
  /// Feeds sequences their pending tokens, in one ragged batch, and tells the logits of those that have none left.
  ///
  /// Prompts and single tokens mix; a prompt longer than the room left is fed in pieces over several calls.
  /// - Parameters:
  ///   - rowLimit: The most rows to feed; first come, first served.
  ///   - updates: What adapters do to the rows it is given, everywhere or at one slot. Called for all rows, and again
  ///     for the rows that go through the head, for its slot.
  /// - Returns: Indices of complete sequences, and their logits, `(indices.count, vocabularySize)`.
  public func advance(
    _ sequences: inout [DecodingSequence], rowLimit: Int,
    updates: ([SequenceRows], _ slot: Int?) -> BatchUpdates, pool: WorkerPool,
    recycler: BufferRecycler
  ) throws(ModelError) -> (indices: [Int], logits: Matrix) {
    var batch = RaggedBatch()
    var fed: [SequenceRows] = []
    var complete: [Int] = []
    var wanted: [Int] = []
    for index in sequences.indices where batch.rowCount < rowLimit {
      let pending = sequences[index].pending
      let count = min(pending.count, rowLimit - batch.rowCount)
      guard count > 0 else { continue }
      fed.append((index, batch.rowCount..<batch.rowCount + count))
      batch.append(Array(pending.prefix(count)), firstPosition: sequences[index].cache.count)
      sequences[index].pending.removeFirst(count)
      if count == pending.count {
        complete.append(index)
        wanted.append(batch.rowCount - 1)
      }
    }
    let tape = Tape(pool: pool, recycler: recycler, recording: false)
    let hidden = try hiddenStates(
      batch, updates: updates(fed, nil), caches: fed.map { sequences[$0.sequence].cache },
      wanted: wanted,
      on: tape)
    let headRows = complete.enumerated().map { row, index in (index, row..<row + 1) }
    let logits = self.logits(hidden, updates: updates(headRows, head.slot), on: tape)
    return (complete, logits.value)
  }
}
