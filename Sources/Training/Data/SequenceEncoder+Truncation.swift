extension SequenceEncoder {
  /// What is left of `sequence` within the allowed length: itself, a part, several parts or nothing.
  func cut(
    _ sequence: TrainingSequence, example: Example, options: Options
  ) -> [TrainingSequence] {
    let room = options.maximumLength
    guard sequence.tokens.count > room else { return [sequence] }
    if case .text = example.content, options.truncation != .drop {
      return pieces(sequence, length: room)
    }
    switch options.truncation {
    case .drop: return []
    case .keepStart: return [part(of: sequence, from: 0, length: room)]
    case .keepAnswer:
      guard let first = sequence.isTarget.firstIndex(of: true),
        let last = sequence.isTarget.lastIndex(of: true)
      else { return [] }
      return [
        part(of: sequence, from: max(0, min(last + 1 - room, first - room / 4)), length: room)
      ]
    }
  }

  /// `length` tokens from `start` on; the token that begins every sequence stays in front.
  private func part(
    of sequence: TrainingSequence, from start: Int, length: Int
  ) -> TrainingSequence {
    var part = sequence
    let head = start > 0 && beginsWithMark(sequence) ? 1 : 0
    let range = start + head..<min(sequence.tokens.count, start + length)
    part.tokens = Array(sequence.tokens[..<head] + sequence.tokens[range])
    part.isTarget = Array(sequence.isTarget[..<head] + sequence.isTarget[range])
    if !part.isTarget.isEmpty { part.isTarget[0] = false }
    return part
  }

  /// Plain text loses nothing: it goes on in the next sequence.
  private func pieces(_ sequence: TrainingSequence, length: Int) -> [TrainingSequence] {
    let step = beginsWithMark(sequence) ? length - 1 : length
    return stride(from: 0, to: sequence.tokens.count - 1, by: step).map {
      part(of: sequence, from: $0, length: length)
    }
  }

  private func beginsWithMark(_ sequence: TrainingSequence) -> Bool {
    machinery.beginOfSequence != nil && sequence.tokens.first == machinery.beginOfSequence
  }
}
