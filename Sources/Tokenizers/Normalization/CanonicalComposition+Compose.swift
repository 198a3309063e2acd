import Foundation

extension CanonicalComposition {
  /// A code point with its combining class.
  private struct Point {
    var value: UInt32
    var order: UInt8
  }

  /// Appends the composed form of a stretch of characters that do not touch their neighbours.
  static func appendComposed(_ bytes: [UInt8], _ range: Range<Int>, to output: inout [UInt8]) {
    var points: [Point] = []
    var index = range.lowerBound
    while index < range.upperBound {
      let (value, next) = UTF8Scan.scalar(bytes, index)
      for part in decomposed(value) {
        let properties = Unicode.Scalar(part)?.properties
        points.append(
          Point(value: part, order: properties?.canonicalCombiningClass.rawValue ?? 0))
      }
      index = next
    }
    sortMarks(&points)
    for value in composed(points) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      output.append(contentsOf: Unicode.UTF8.encode(scalar).map(Array.init) ?? [])
    }
  }

  /// The full canonical decomposition of one code point; Foundation's is right for single ones.
  private static func decomposed(_ value: UInt32) -> [UInt32] {
    guard value >= 0xc0, !isUnknown(value), let scalar = Unicode.Scalar(value) else {
      return [value]
    }
    return String(Character(scalar)).decomposedStringWithCanonicalMapping.unicodeScalars.map(
      \.value)
  }

  /// Puts each run of combining marks in the order of their classes; equal ones keep theirs.
  private static func sortMarks(_ points: inout [Point]) {
    var start = 0
    while start < points.count {
      guard points[start].order != 0 else {
        start += 1
        continue
      }
      var end = start
      while end < points.count, points[end].order != 0 { end += 1 }
      let sorted = points[start..<end].enumerated().sorted {
        ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
      }
      for (offset, entry) in sorted.enumerated() { points[start + offset] = entry.element }
      start = end
    }
  }

  /// Joins each mark with the last starter that nothing separates it from.
  private static func composed(_ points: [Point]) -> [UInt32] {
    var values: [UInt32] = []
    var starter: Int?
    var lastOrder: UInt8 = 0
    for point in points {
      let isAdjacent = starter == values.count - 1
      if let place = starter, isAdjacent || (lastOrder < point.order && lastOrder != 0),
        let whole = composite(values[place], point.value)
      {
        values[place] = whole
        continue
      }
      if point.order == 0 { starter = values.count }
      lastOrder = point.order
      values.append(point.value)
    }
    return values
  }

  /// The character that two make, or nil.
  private static func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
      return 0xac00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    if (0xac00..<0xd7a4).contains(first), (first - 0xac00) % 28 == 0,
      (0x11a8..<0x11c3).contains(second)
    {
      return first + second - 0x11a7
    }
    return composites[UInt64(first) << 32 | UInt64(second)]
  }

  /// The characters that are made of two, found among those that decompose and stand in composed
  /// text.
  private static let composites: [UInt64: UInt32] = {
    var parts: [(whole: UInt32, parts: [UInt32])] = []
    for value in compositeRanges.joined() where !isUnstable(value) {
      let decomposition = decomposed(value)
      if decomposition.count > 1 { parts.append((value, decomposition)) }
    }
    // Shorter ones first: a longer one is a shorter one with a mark.
    parts.sort { ($0.parts.count, $0.whole) < ($1.parts.count, $1.whole) }
    var composites: [UInt64: UInt32] = [:]
    for entry in parts {
      var first = entry.parts[0]
      for second in entry.parts.dropFirst().dropLast() {
        first = composites[UInt64(first) << 32 | UInt64(second)] ?? 0
      }
      let last = entry.parts[entry.parts.count - 1]
      composites[UInt64(first) << 32 | UInt64(last)] = entry.whole
    }
    return composites
  }()

  /// Where composed characters lie, other than Hangul syllables.
  private static let compositeRanges: [ClosedRange<UInt32>] = [
    0xc0...0x233, 0x385...0x4f9, 0x622...0x6d3, 0x929...0x934, 0x9cb...0x9cc, 0xb48...0xbcc,
    0xc48...0xd4c, 0xdda...0xdde, 0x1026...0x1026, 0x1b06...0x1b43, 0x1e00...0x1ffc,
    0x219a...0x22ed, 0x304c...0x30fe, 0x1_109a...0x1_134c, 0x1_14bb...0x1_15bb,
  ]
}
