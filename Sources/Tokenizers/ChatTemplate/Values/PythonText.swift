extension Jinja {
  /// Python's ways with text: by code points, never by Swift's characters or canonical equality.
  enum Text {
    /// Whether two texts have the same code points.
    static func equal(_ left: String, _ right: String) -> Bool {
      left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
    }

    /// Whether `left` sorts before `right` by code points; the order of UTF-8 is the same.
    static func precedes(_ left: String, _ right: String) -> Bool {
      left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    static func string(_ scalars: some Swift.Sequence<Unicode.Scalar>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      return String(view)
    }

    /// `str.isspace` of one character.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      switch scalar.value {
      case 0x09...0x0d, 0x1c...0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f,
        0x205f, 0x3000:
        true
      default: false
      }
    }

    /// `str.isprintable` of one character.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
      if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator, .spaceSeparator:
        return false
      default: return true
      }
    }

    /// `str.strip`, `lstrip` and `rstrip`: whitespace, or the characters of a set.
    static func strip(
      _ text: String, _ characters: String? = nil, left: Bool = true, right: Bool = true
    ) -> String {
      let scalars = text.unicodeScalars
      let set = characters.map { Set($0.unicodeScalars) }
      func goes(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? isSpace(scalar) }
      var start = scalars.startIndex
      var end = scalars.endIndex
      while left, start < end, goes(scalars[start]) { start = scalars.index(after: start) }
      while right, end > start {
        let before = scalars.index(before: end)
        guard goes(scalars[before]) else { break }
        end = before
      }
      return String(scalars[start..<end])
    }

    /// Where `needle` occurs in `text`, without overlap, in linear time (Knuth, Morris, Pratt); at
    /// most `limit` places.
    static func occurrences(of needle: [UInt8], in text: [UInt8], limit: Int = .max) -> [Int] {
      guard !needle.isEmpty, needle.count <= text.count, limit > 0 else { return [] }
      var fallback = [Int](repeating: 0, count: needle.count)
      var matched = 0
      for index in 1..<needle.count {
        while matched > 0, needle[index] != needle[matched] { matched = fallback[matched - 1] }
        if needle[index] == needle[matched] { matched += 1 }
        fallback[index] = matched
      }
      var places: [Int] = []
      matched = 0
      for index in text.indices {
        while matched > 0, text[index] != needle[matched] { matched = fallback[matched - 1] }
        if text[index] == needle[matched] { matched += 1 }
        if matched == needle.count {
          places.append(index + 1 - matched)
          matched = 0
          if places.count == limit { break }
        }
      }
      return places
    }

    static func contains(_ text: String, _ needle: String) -> Bool {
      needle.isEmpty
        || !occurrences(of: Array(needle.utf8), in: Array(text.utf8), limit: 1).isEmpty
    }

    /// `str.replace`; an empty `old` stands between all characters. A negative `limit` means all.
    static func replace(_ text: String, _ old: String, _ new: String, limit: Int) -> String {
      let limit = limit < 0 ? Int.max : limit
      if old.isEmpty {
        var result = ""
        var left = limit
        for scalar in text.unicodeScalars {
          if left > 0 { result += new }
          left -= left > 0 ? 1 : 0
          result.unicodeScalars.append(scalar)
        }
        return left > 0 ? result + new : result
      }
      let bytes = Array(text.utf8)
      let places = occurrences(of: Array(old.utf8), in: bytes, limit: limit)
      if places.isEmpty { return text }
      return pieces(of: bytes, at: places, length: old.utf8.count).joined(separator: new)
    }

    /// `str.split` at a separator, from the left or from the right; a negative `limit` means all.
    static func split(
      _ text: String, at separator: String, limit: Int, fromRight: Bool = false
    ) -> [String] {
      let bytes = Array(text.utf8)
      let needle = Array(separator.utf8)
      let limit = limit < 0 ? Int.max : limit
      guard fromRight else {
        return pieces(
          of: bytes, at: occurrences(of: needle, in: bytes, limit: limit), length: needle.count)
      }
      let mirrored = occurrences(of: needle.reversed(), in: bytes.reversed(), limit: limit)
      let places = mirrored.reversed().map { bytes.count - $0 - needle.count }
      return pieces(of: bytes, at: places, length: needle.count)
    }

    private static func pieces(of bytes: [UInt8], at places: [Int], length: Int) -> [String] {
      var pieces: [String] = []
      var start = 0
      for place in places {
        pieces.append(String(decoding: bytes[start..<place], as: UTF8.self))
        start = place + length
      }
      pieces.append(String(decoding: bytes[start...], as: UTF8.self))
      return pieces
    }

    /// `str.split` at whitespace: runs count once, and there are no empty pieces.
    static func splitWords(_ text: String, limit: Int, fromRight: Bool = false) -> [String] {
      var scalars = Array(text.unicodeScalars)
      if fromRight { scalars.reverse() }
      let limit = limit < 0 ? Int.max : limit
      var pieces: [[Unicode.Scalar]] = []
      var at = 0
      while true {
        while at < scalars.count, isSpace(scalars[at]) { at += 1 }
        if at == scalars.count { break }
        var end = at
        if pieces.count == limit {
          pieces.append(Array(scalars[at...]))
          break
        }
        while end < scalars.count, !isSpace(scalars[end]) { end += 1 }
        pieces.append(Array(scalars[at..<end]))
        at = end
      }
      if !fromRight { return pieces.map { string($0) } }
      return pieces.reversed().map { string($0.reversed()) }
    }

    /// `str.splitlines`.
    static func lines(of text: String, keepEnds: Bool = false) -> [String] {
      var lines: [String] = []
      var line = String.UnicodeScalarView()
      var pending = false
      var afterReturn = false
      for scalar in text.unicodeScalars {
        if afterReturn, scalar == "\n" {
          if keepEnds { lines[lines.count - 1].unicodeScalars.append(scalar) }
          afterReturn = false
          continue
        }
        afterReturn = scalar == "\r"
        switch scalar.value {
        case 0x0a...0x0d, 0x1c...0x1e, 0x85, 0x2028, 0x2029:
          if keepEnds { line.append(scalar) }
          lines.append(String(line))
          line = String.UnicodeScalarView()
          pending = false
        default:
          line.append(scalar)
          pending = true
        }
      }
      if pending { lines.append(String(line)) }
      return lines
    }
  }
}
