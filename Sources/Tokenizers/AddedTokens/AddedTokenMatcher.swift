/// Finds added tokens in a text: the leftmost, and of those the longest.
struct AddedTokenMatcher: Sendable {
  /// A stretch of the text: an added token, or what lies between two.
  struct Piece: Equatable {
    var token: Token?
    var range: Range<Int>
  }

  private let tokens: [AddedToken]
  private var begins = [Bool](repeating: false, count: 256)
  private var children: [UInt64: Int32] = [:]  // node << 8 | byte -> node
  private var matches: [Int32] = [-1]  // by node: the index of the token that ends there

  /// - Parameter tokens: The tokens, each with the bytes to look for; none is empty.
  init(_ tokens: [(token: AddedToken, pattern: [UInt8])]) {
    self.tokens = tokens.map(\.token)
    for (index, entry) in tokens.enumerated() {
      guard let first = entry.pattern.first else { continue }
      begins[Int(first)] = true
      var node = 0
      for byte in entry.pattern {
        let key = UInt64(node) << 8 | UInt64(byte)
        if let child = children[key] {
          node = Int(child)
        } else {
          node = matches.count
          matches.append(-1)
          children[key] = Int32(truncatingIfNeeded: node)
        }
      }
      matches[node] = Int32(truncatingIfNeeded: index)
    }
  }

  /// Whether there is nothing to look for.
  var isEmpty: Bool { tokens.isEmpty }

  /// The stretches of `bytes[range]` in order.
  ///
  /// - Parameter findsSpecial: Otherwise special tokens are text like any other.
  func pieces(_ bytes: [UInt8], _ range: Range<Int>, findsSpecial: Bool) -> [Piece] {
    guard !tokens.isEmpty, !range.isEmpty else { return [Piece(token: nil, range: range)] }
    var pieces: [Piece] = []
    var offset = range.lowerBound
    var space = range.lowerBound..<range.lowerBound  // the last white space that was seen
    var index = range.lowerBound
    while index < range.upperBound {
      guard begins[Int(bytes[index])], let match = longest(bytes, index, range.upperBound) else {
        index += 1
        continue
      }
      let token = tokens[match.index]
      var start = index
      var stop = match.end
      index = stop
      if token.isSpecial, !findsSpecial { continue }
      if token.isSingleWord, isInWord(bytes, start, stop, range) { continue }
      if token.stripsLeft { start = max(spaceStart(bytes, start, offset), offset) }
      if token.stripsRight {
        if !space.contains(stop) { space = stop..<spaceEnd(bytes, stop, range.upperBound) }
        stop = max(stop, space.upperBound)
      }
      if offset < start { pieces.append(Piece(token: nil, range: offset..<start)) }
      // Empty where white space before it has taken the token: the library drops it.
      if start < stop { pieces.append(Piece(token: token.id, range: start..<stop)) }
      offset = stop
    }
    if offset != range.upperBound {
      pieces.append(Piece(token: nil, range: offset..<range.upperBound))
    }
    return pieces
  }

  private func longest(
    _ bytes: [UInt8], _ start: Int, _ limit: Int
  ) -> (index: Int, end: Int)? {
    var node: UInt64 = 0
    var found: (index: Int, end: Int)?
    var index = start
    while index < limit, let child = children[node << 8 | UInt64(bytes[index])] {
      node = UInt64(UInt32(bitPattern: child))
      index += 1
      let match = matches[Int(child)]
      if match >= 0 { found = (Int(match), index) }
    }
    return found
  }

  private func isInWord(
    _ bytes: [UInt8], _ start: Int, _ stop: Int, _ range: Range<Int>
  ) -> Bool {
    if start > range.lowerBound {
      let before = UTF8Scan.scalar(bytes, UTF8Scan.before(bytes, start)).value
      if CharacterClass.isWordCharacter(before) { return true }
    }
    return stop < range.upperBound
      && CharacterClass.isWordCharacter(UTF8Scan.scalar(bytes, stop).value)
  }

  private func spaceStart(_ bytes: [UInt8], _ end: Int, _ lowest: Int) -> Int {
    var start = end
    while start > lowest {
      let before = UTF8Scan.before(bytes, start)
      guard isSpace(UTF8Scan.scalar(bytes, before).value) else { break }
      start = before
    }
    return start
  }

  private func spaceEnd(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> Int {
    var end = start
    while end < limit {
      let (value, next) = UTF8Scan.scalar(bytes, end)
      guard isSpace(value) else { break }
      end = next
    }
    return end
  }

  private func isSpace(_ value: UInt32) -> Bool {
    Unicode.Scalar(value)?.properties.isWhitespace ?? false
  }
}
