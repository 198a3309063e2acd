import Models

/// Sequences that go through the model together: one ragged batch, the rows that have a target, and those targets.
///
/// Rows after a sequence's last target reach no loss and are left out; the row of token `i` has a target where token
/// `i + 1` counts. Sequences that begin alike share the rows of what they have in common, so a row may have targets of
/// several: it stands once for each in `wanted`.
struct TrainingPart {
  /// The rows.
  private(set) var batch = RaggedBatch()
  /// Rows that have a target, sequence by sequence in the order of `sequences`.
  private(set) var wanted: [Int] = []
  /// The tokens to foresee there.
  private(set) var targets: [Int32] = []
  /// Which of the sequences given are here.
  private(set) var sequences: [Int] = []
  /// Rows that the sequences would take besides if they shared none.
  private(set) var sparedRows = 0
  private var rows: [Int: Range<Int>] = [:]

  /// Puts sequences that share more next to each other, then together as long as their tokens, shared ones counted
  /// once, fit `maximumRows`; a longer sequence stands alone.
  static func parts(
    of sequences: [TrainingSequence], maximumRows: Int, sharesPrefixes: Bool
  ) -> [TrainingPart] {
    let learnt = sequences.map { $0.tokens.prefix($0.isTarget.lastIndex(of: true) ?? 0) }
    let forest = PrefixForest(learnt, shares: sharesPrefixes)
    var parts: [TrainingPart] = []
    var room = 0
    for index in forest.order {
      let (sequence, pieces) = (sequences[index], forest.pieces[index])
      if parts.isEmpty || sequence.tokens.count - parts[parts.count - 1].held(pieces) > room {
        parts.append(TrainingPart())
        room = maximumRows
      }
      room -= sequence.tokens.count - parts[parts.count - 1].held(pieces)
      parts[parts.count - 1].add(sequence, index: index, pieces: pieces)
    }
    return parts
  }

  /// How many tokens of `pieces` have rows here already.
  private func held(_ pieces: [PrefixForest.Piece]) -> Int {
    pieces.reduce(0) { $0 + (rows[$1.id]?.count ?? 0) }
  }

  private mutating func add(
    _ sequence: TrainingSequence, index: Int, pieces: [PrefixForest.Piece]
  ) {
    sequences.append(index)
    sparedRows += held(pieces)
    var prefix: [Range<Int>] = []
    for piece in pieces {
      if rows[piece.id] == nil {
        batch.append(Array(sequence.tokens[piece.positions]), after: prefix)
      }
      let held = rows[piece.id] ?? batch.rowCount - piece.positions.count..<batch.rowCount
      rows[piece.id] = held
      prefix.append(held)
    }
    for (position, row) in prefix.joined().enumerated() where sequence.isTarget[position + 1] {
      wanted.append(row)
      targets.append(sequence.tokens[position + 1])
    }
  }
}
