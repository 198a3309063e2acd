/// One step that splits a text into the words of which BPE makes tokens.
enum PreTokenizer: Sendable, Equatable {
  /// The pieces of a split pattern.
  case pattern(SplitRules)
  /// Numbers apart from the rest, each digit by itself or whole runs.
  case digits(individually: Bool)
  /// GPT-2's step to bytes: a space before, and its pattern.
  case byteLevel(addsPrefixSpace: Bool, splits: Bool)
  /// Spaces to a replacement character, one before, and words that begin with it.
  case metaspace(replacement: [UInt8], prepending: Metaspace.Prepending, splits: Bool)
}

/// The splitting steps of a tokenizer, one after the other.
struct PreTokenizerSequence: Sendable {
  let steps: [PreTokenizer]
  private let scanners: [PieceScanner]

  init(_ steps: [PreTokenizer]) {
    self.steps = steps
    scanners = steps.map { step in
      if case .pattern(let rules) = step { return PieceScanner(rules) }
      return PieceScanner(.gpt2)
    }
  }

  /// Encodes the words of `bytes[range]` in order.
  ///
  /// - Parameter isFirst: The range begins where the whole text begins.
  func encode(
    _ bytes: [UInt8], _ range: Range<Int>, isFirst: Bool, with encoder: inout WordEncoder
  ) {
    encode(bytes, range, step: 0, isFirst: isFirst, with: &encoder)
  }

  private func encode(
    _ bytes: [UInt8], _ range: Range<Int>, step: Int, isFirst: Bool,
    with encoder: inout WordEncoder
  ) {
    guard !range.isEmpty else { return }
    guard step < steps.count else { return encoder.append(bytes, range) }
    switch steps[step] {
    case .pattern:
      encodePieces(bytes, range, step: step, isFirst: isFirst, with: &encoder)
    case .digits(let individually):
      encodeDigits(
        bytes, range, individually: individually, step: step, isFirst: isFirst, with: &encoder)
    case .byteLevel(let addsPrefixSpace, let splits):
      var text = bytes
      var span = range
      if addsPrefixSpace, bytes[range.lowerBound] != 0x20 {
        text = [0x20] + bytes[range]
        span = 0..<text.count
      }
      if splits {
        encodePieces(text, span, step: step, isFirst: isFirst, with: &encoder)
      } else {
        encode(text, span, step: step + 1, isFirst: isFirst, with: &encoder)
      }
    case .metaspace(let replacement, let prepending, let splits):
      encodeMetaspace(
        bytes, range, (replacement, prepending, splits), step: step, isFirst: isFirst,
        with: &encoder)
    }
  }

  private func encodePieces(
    _ bytes: [UInt8], _ range: Range<Int>, step: Int, isFirst: Bool,
    with encoder: inout WordEncoder
  ) {
    let scanner = scanners[step]
    let isLast = step + 1 == steps.count
    var start = range.lowerBound
    while start < range.upperBound {
      let end = scanner.end(bytes, from: start, to: range.upperBound)
      if isLast {
        encoder.append(bytes, start..<end)
      } else {
        encode(
          bytes, start..<end, step: step + 1, isFirst: isFirst && start == range.lowerBound,
          with: &encoder)
      }
      start = end
    }
  }

  private func encodeDigits(
    _ bytes: [UInt8], _ range: Range<Int>, individually: Bool, step: Int, isFirst: Bool,
    with encoder: inout WordEncoder
  ) {
    var start = range.lowerBound
    var index = start
    var isInNumber = false
    func flush(_ end: Int, with encoder: inout WordEncoder) {
      encode(
        bytes, start..<end, step: step + 1, isFirst: isFirst && start == range.lowerBound,
        with: &encoder)
      start = end
    }
    while index < range.upperBound {
      let byte = bytes[index]
      var next = index + 1
      var isNumber = byte &- 0x30 < 10
      if byte >= 0x80 {
        let scalar = UTF8Scan.scalar(bytes, index)
        isNumber = CharacterClass.of(scalar.value).meets(.number)
        next = scalar.next
      }
      if isNumber != isInNumber || (isNumber && individually) {
        flush(index, with: &encoder)
        isInNumber = isNumber
      }
      index = next
    }
    flush(range.upperBound, with: &encoder)
  }

  private func encodeMetaspace(
    _ bytes: [UInt8], _ range: Range<Int>,
    _ setting: (replacement: [UInt8], prepending: Metaspace.Prepending, splits: Bool), step: Int,
    isFirst: Bool, with encoder: inout WordEncoder
  ) {
    let mark = setting.replacement
    var text: [UInt8] = []
    text.reserveCapacity(range.count + range.count / 2)
    let begins = bytes[range].starts(with: mark) || bytes[range.lowerBound] == 0x20
    if !begins, setting.prepending == .always || (setting.prepending == .first && isFirst) {
      text += mark
    }
    for byte in bytes[range] {
      if byte == 0x20 { text += mark } else { text.append(byte) }
    }
    var start = 0
    if setting.splits {
      var index = 1
      while index < text.count {
        if text[index] == mark[0], text[index...].starts(with: mark) {
          encode(
            text, start..<index, step: step + 1, isFirst: isFirst && start == 0, with: &encoder)
          start = index
          index += mark.count
        } else {
          index += 1
        }
      }
    }
    encode(
      text, start..<text.count, step: step + 1, isFirst: isFirst && start == 0, with: &encoder)
  }
}
