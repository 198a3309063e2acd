extension Jinja.Lexer {
  /// The text of a string literal, its escapes replaced as Python's `unicode-escape` does.
  func unescape(_ body: ArraySlice<Unicode.Scalar>) throws(TemplateError) -> String {
    guard body.contains("\\") else { return string(body.startIndex..<body.endIndex) }
    var text = String.UnicodeScalarView()
    var at = body.startIndex
    while at < body.endIndex {
      guard body[at] == "\\" else {
        text.append(body[at])
        at += 1
        continue
      }
      let letter = body[at + 1]
      at += 2
      if let simple = Self.simpleEscapes[letter] {
        text.append(simple)
      } else if letter == "\n" {
        continue
      } else if let length = Self.hexadecimalEscapes[letter] {
        text.append(try scalar(body, &at, length: length, radix: 16))
      } else if letter >= "0" && letter <= "7" {
        at -= 1
        var length = 1
        while length < 3, at + length < body.endIndex, body[at + length] >= "0",
          body[at + length] <= "7"
        { length += 1 }
        text.append(try scalar(body, &at, length: length, radix: 8))
      } else if letter == "N" {
        throw TemplateError(.unsupported, "the escape \\N{...} is not supported", line: line)
      } else if !letter.isASCII {
        // Jinja spells such a letter as an escape of its own before it reads escapes, so the
        // backslash escapes that one's backslash.
        let digits = String(letter.value, radix: 16)
        let (mark, width) =
          letter.value < 0x100 ? ("x", 2) : letter.value < 0x1_0000 ? ("u", 4) : ("U", 8)
        let spelled = "\\" + mark + String(repeating: "0", count: width - digits.count) + digits
        text.append(contentsOf: spelled.unicodeScalars)
      } else {
        text.append("\\")
        text.append(letter)
      }
    }
    return String(text)
  }

  private static let simpleEscapes: [Unicode.Scalar: Unicode.Scalar] = [
    "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{c}", "n": "\n",
    "r": "\r", "t": "\t", "v": "\u{b}",
  ]
  private static let hexadecimalEscapes: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

  private func scalar(
    _ body: ArraySlice<Unicode.Scalar>, _ at: inout Int, length: Int, radix: Int
  ) throws(TemplateError) -> Unicode.Scalar {
    var value: UInt32 = 0
    for offset in 0..<length {
      guard at + offset < body.endIndex, body[at + offset].isASCII,
        let digit = Character(body[at + offset]).hexDigitValue, digit < radix
      else { throw TemplateError(.syntax, "a truncated escape in a string", line: line) }
      value = value &* UInt32(radix) &+ UInt32(digit)
    }
    at += length
    guard let scalar = Unicode.Scalar(value) else {
      throw TemplateError(
        .unsupported, "the escape U+\(String(value, radix: 16)) is no character", line: line)
    }
    return scalar
  }
}
