/// Finds the pieces of a split pattern by reading bytes once, instead of by a regular expression.
struct PieceScanner: Sendable {
  let rules: SplitRules
  private let ascii = CharacterClass.ascii

  init(_ rules: SplitRules) { self.rules = rules }

  /// Where the piece that begins at `start` ends, at most at `limit`.
  ///
  /// `start` is the beginning of a character and lies before `limit`; the bytes are valid UTF-8.
  func end(_ bytes: [UInt8], from start: Int, to limit: Int) -> Int {
    let first = bytes[start]
    if first == UInt8(ascii: "'") {
      if rules.contractions == .lowercase || rules.contractions == .anyCase,
        let end = contraction(
          bytes, start, limit, anyCase: rules.contractions == .anyCase)
      {
        return end
      }
    }
    let (kind, next) = character(bytes, start)
    if let end = word(bytes, start, kind, next, limit) { return end }
    if let end = number(bytes, start, kind, next, limit) { return end }
    if !kind.meets([.letter, .number, .space]) { return punctuation(bytes, next, limit) }
    if first == 0x20, next < limit, !character(bytes, next).kind.meets([.letter, .number, .space]) {
      return punctuation(bytes, next, limit)
    }
    return whitespace(bytes, start, limit)
  }

  /// The class of the character at `index`, and where the next one begins.
  @inline(__always)
  private func character(_ bytes: [UInt8], _ index: Int) -> (kind: CharacterClass, next: Int) {
    let byte = bytes[index]
    if byte < 0x80 { return (ascii[Int(byte)], index + 1) }
    let (value, next) = UTF8Scan.scalar(bytes, index)
    return (CharacterClass.of(value), next)
  }

  /// Where a run of characters that meet `kinds` ends.
  @inline(__always)
  private func run(
    of kinds: CharacterClass, _ bytes: [UInt8], _ start: Int, _ limit: Int
  ) -> Int {
    var index = start
    while index < limit {
      let (kind, next) = character(bytes, index)
      if !kind.meets(kinds) { break }
      index = next
    }
    return index
  }

  @inline(__always)
  private func word(
    _ bytes: [UInt8], _ start: Int, _ kind: CharacterClass, _ next: Int, _ limit: Int
  ) -> Int? {
    if rules.splitsByCase { return casedWord(bytes, start, kind, next, limit) }
    if kind.meets(.letter) { return run(of: .letter, bytes, next, limit) }
    let first = bytes[start]
    let mayLead =
      rules.takesAnyPrefix ? !kind.meets(.number) && first != 0x0d && first != 0x0a : first == 0x20
    guard mayLead, next < limit else { return nil }
    let (second, afterSecond) = character(bytes, next)
    return second.meets(.letter) ? run(of: .letter, bytes, afterSecond, limit) : nil
  }

  @inline(__always)
  private func number(
    _ bytes: [UInt8], _ start: Int, _ kind: CharacterClass, _ next: Int, _ limit: Int
  ) -> Int? {
    guard let digits = rules.digitsPerPiece else {
      if kind.meets(.number) { return run(of: .number, bytes, next, limit) }
      guard bytes[start] == 0x20, next < limit else { return nil }
      let (second, afterSecond) = character(bytes, next)
      return second.meets(.number) ? run(of: .number, bytes, afterSecond, limit) : nil
    }
    guard kind.meets(.number) else { return nil }
    var end = next
    for _ in 1..<max(digits, 1) {
      guard end < limit else { break }
      let (kind, next) = character(bytes, end)
      guard kind.meets(.number) else { break }
      end = next
    }
    return end
  }

  /// What is neither letter, number nor white space, with the line ends after it.
  private func punctuation(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> Int {
    var index = start
    while index < limit {
      let (kind, next) = character(bytes, index)
      if kind.meets([.letter, .number, .space]) { break }
      index = next
    }
    guard rules.punctuationTail != .nothing else { return index }
    while index < limit {
      let byte = bytes[index]
      let isSlash = byte == UInt8(ascii: "/") && rules.punctuationTail == .newlinesAndSlashes
      guard byte == 0x0d || byte == 0x0a || isSlash else { break }
      index += 1
    }
    return index
  }

  /// A run of white space: up to its last line end, or without its last character where a word
  /// follows.
  private func whitespace(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> Int {
    var index = start
    var last = start
    var afterNewline = start
    while index < limit {
      let (kind, next) = character(bytes, index)
      if !kind.meets(.space) { break }
      if bytes[index] == 0x0a || bytes[index] == 0x0d { afterNewline = next }
      last = index
      index = next
    }
    if rules.splitsAtNewlines, afterNewline > start { return afterNewline }
    return index == limit || last == start ? index : last
  }

  /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`; the long s of U+017F folds to an s.
  private func contraction(
    _ bytes: [UInt8], _ start: Int, _ limit: Int, anyCase: Bool
  ) -> Int? {
    guard limit - start >= 2 else { return nil }
    let fold: UInt8 = anyCase ? 0x20 : 0
    let first = bytes[start + 1]
    if anyCase, first == 0xc5, limit - start >= 3, bytes[start + 2] == 0xbf { return start + 3 }
    guard first < 0x80 else { return nil }
    let second = limit - start >= 3 ? bytes[start + 2] | fold : 0
    switch first | fold {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return second == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return second == UInt8(ascii: "l") ? start + 3 : nil
    default: return nil
    }
  }

  /// A word that ends where its case turns: capitals then small letters, or capitals alone. Letters
  /// without case and marks count as both.
  private func casedWord(
    _ bytes: [UInt8], _ start: Int, _ kind: CharacterClass, _ next: Int, _ limit: Int
  ) -> Int? {
    let first = bytes[start]
    let mayLead = !kind.meets([.letter, .number]) && first != 0x0d && first != 0x0a
    let isOwnBegin = kind.meets([.letter, .mark])
    let led = mayLead && next < limit ? next : nil
    if let led, let end = endOfSmallLetters(bytes, led, limit) { return suffix(bytes, end, limit) }
    if isOwnBegin, let end = endOfSmallLetters(bytes, start, limit) {
      return suffix(bytes, end, limit)
    }
    let begin = led ?? start
    guard led != nil || isOwnBegin else { return nil }
    let end = run(of: .upper, bytes, begin, limit)
    return end > begin ? suffix(bytes, end, limit) : nil
  }

  /// Capitals, then at least one small letter: the regular expression gives back capitals until one
  /// of them may stand for a small letter.
  private func endOfSmallLetters(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> Int? {
    var index = start
    var afterBoth: Int?
    while index < limit {
      let (kind, next) = character(bytes, index)
      if kind.meets(.lower) { return run(of: [.lower, .caseless, .mark], bytes, index, limit) }
      guard kind.meets([.upper, .caseless, .mark]) else { break }
      if kind.meets([.caseless, .mark]) { afterBoth = next }
      index = next
    }
    return afterBoth
  }

  private func suffix(_ bytes: [UInt8], _ end: Int, _ limit: Int) -> Int {
    guard rules.contractions == .suffix, end < limit, bytes[end] == UInt8(ascii: "'") else {
      return end
    }
    return contraction(bytes, end, limit, anyCase: true) ?? end
  }
}
