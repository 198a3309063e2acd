import Models

extension TrainingSequence {
  /// `sequences` as one ragged batch, the rows that have a target, and those targets.
  ///
  /// The last token of a sequence predicts nothing, so it is left out unless it stands alone; row `i` has a target
  /// where token `i + 1` counts.
  static func ragged(_ sequences: [TrainingSequence])
    -> (batch: RaggedBatch, wanted: [Int], targets: [Int32])
  {
    var batch = RaggedBatch()
    var wanted: [Int] = []
    var targets: [Int32] = []
    for sequence in sequences where sequence.tokens.count > 1 {
      let start = batch.rowCount
      // Rows after the last target reach no loss.
      let last = sequence.isTarget.lastIndex(of: true) ?? 0
      guard last > 0 else { continue }
      batch.append(Array(sequence.tokens[..<last]))
      for index in 1...last where sequence.isTarget[index] {
        wanted.append(start + index - 1)
        targets.append(sequence.tokens[index])
      }
    }
    return (batch, wanted, targets)
  }

  /// Consecutive sequences together as long as they fit `maximumRows`; a longer one stands alone.
  static func split(_ sequences: [TrainingSequence], maximumRows: Int) -> [[TrainingSequence]] {
    var parts: [[TrainingSequence]] = []
    var rows = 0
    for sequence in sequences {
      let length = sequence.tokens.count
      if parts.isEmpty || rows + length > maximumRows {
        parts.append([])
        rows = 0
      }
      parts[parts.count - 1].append(sequence)
      rows += length
    }
    return parts
  }
}
