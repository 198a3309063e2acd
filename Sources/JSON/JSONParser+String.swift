extension JSONParser {
  /// Reads the string whose opening quote is at the cursor.
  mutating func parseString() throws(JSONError) -> String {
    let start = at
    at += 1
    let body = at
    var escaped = false
    scan: while true {
      guard at < bytes.count else {
        throw fault(.unexpectedEnd, "a string is not closed", at: start)
      }
      switch bytes[at] {
      case UInt8(ascii: "\""): break scan
      case UInt8(ascii: "\\"):
        escaped = true
        at += 2
      case 0..<0x20: throw fault(.badString, "a control character inside a string")
      default: at += 1
      }
    }
    let end = at
    at += 1
    if escaped { return try unescape(body, end) }
    guard let text = String(validating: bytes[body..<end], as: UTF8.self) else {
      throw fault(.badString, "a string is not valid UTF-8", at: start)
    }
    return text
  }

  private func unescape(_ start: Int, _ end: Int) throws(JSONError) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(end - start)
    var from = start
    while from < end {
      let byte = bytes[from]
      guard byte == UInt8(ascii: "\\") else {
        out.append(byte)
        from += 1
        continue
      }
      // The scan has stepped over the byte after each backslash, so it lies before `end`.
      switch bytes[from + 1] {
      case UInt8(ascii: "\""): out.append(UInt8(ascii: "\""))
      case UInt8(ascii: "\\"): out.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "/"): out.append(UInt8(ascii: "/"))
      case UInt8(ascii: "b"): out.append(0x08)
      case UInt8(ascii: "f"): out.append(0x0C)
      case UInt8(ascii: "n"): out.append(0x0A)
      case UInt8(ascii: "r"): out.append(0x0D)
      case UInt8(ascii: "t"): out.append(0x09)
      case UInt8(ascii: "u"):
        let (scalar, length) = try unicodeEscape(from, end)
        out.append(contentsOf: Array(String(Character(scalar)).utf8))
        from += length
        continue
      default: throw fault(.badString, "an unknown escape inside a string", at: from)
      }
      from += 2
    }
    guard let text = String(validating: out, as: UTF8.self) else {
      throw fault(.badString, "a string is not valid UTF-8", at: start)
    }
    return text
  }

  /// The scalar of `\uXXXX`, or of a pair of surrogates, at `from`, and the bytes that it takes.
  private func unicodeEscape(
    _ from: Int, _ end: Int
  ) throws(JSONError) -> (scalar: UnicodeScalar, length: Int) {
    guard let first = fourDigits(from + 2, end) else {
      throw fault(.badString, "\\u needs four hexadecimal digits", at: from)
    }
    if let scalar = UnicodeScalar(first) { return (scalar, 6) }
    let next = from + 6
    guard first < 0xDC00, end - next >= 6, bytes[next] == UInt8(ascii: "\\"),
      bytes[next + 1] == UInt8(ascii: "u"), let second = fourDigits(next + 2, end),
      (0xDC00...0xDFFF).contains(second),
      let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw fault(.badString, "half a surrogate pair inside a string", at: from) }
    return (scalar, 12)
  }

  private func fourDigits(_ from: Int, _ end: Int) -> UInt32? {
    guard end - from >= 4 else { return nil }
    var value: UInt32 = 0
    for byte in bytes[from..<from + 4] {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
