extension TemplateValue {
  /// Reads JSON text, the order of keys kept, as Python's `json` does: of equal keys the last
  /// counts.
  public init(json text: String) throws(TemplateError) {
    var reader = JSONReader(bytes: Array(text.utf8))
    self = try reader.readDocument()
  }
}

private struct JSONReader {
  let bytes: [UInt8]
  var at = 0
  var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func failure(_ what: String) -> TemplateError {
    TemplateError(.badValue, "JSON, byte \(at): \(what)")
  }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      at += 1
    }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    at += 1
    return true
  }

  private mutating func skip(word: StaticString) -> Bool {
    let word = Array(word.description.utf8)
    guard bytes.count - at >= word.count, bytes[at..<(at + word.count)].elementsEqual(word) else {
      return false
    }
    at += word.count
    return true
  }

  mutating func readDocument() throws(TemplateError) -> TemplateValue {
    let value = try readValue()
    skipBlanks()
    guard at == bytes.count else { throw failure("something follows the value") }
    return value
  }

  private mutating func readValue() throws(TemplateError) -> TemplateValue {
    skipBlanks()
    switch current {
    case UInt8(ascii: "{"): return try readObject()
    case UInt8(ascii: "["): return try readArray()
    case UInt8(ascii: "\""): return .string(try readString())
    default: break
    }
    if skip(word: "null") { return .none }
    if skip(word: "true") { return .bool(true) }
    if skip(word: "false") { return .bool(false) }
    return try readNumber()
  }

  private mutating func open() throws(TemplateError) {
    at += 1
    depth += 1
    guard depth < Jinja.maximumValueDepth else {
      throw TemplateError(.limit, "JSON nested deeper than \(Jinja.maximumValueDepth) levels")
    }
    skipBlanks()
  }

  private mutating func readArray() throws(TemplateError) -> TemplateValue {
    try open()
    defer { depth -= 1 }
    var items: [TemplateValue] = []
    if skip(UInt8(ascii: "]")) { return .list(items) }
    while true {
      items.append(try readValue())
      skipBlanks()
      if skip(UInt8(ascii: "]")) { return .list(items) }
      guard skip(UInt8(ascii: ",")) else { throw failure("expected ',' or ']'") }
    }
  }

  private mutating func readObject() throws(TemplateError) -> TemplateValue {
    try open()
    defer { depth -= 1 }
    var object = TemplateDictionary()
    if skip(UInt8(ascii: "}")) { return .dictionary(object) }
    while true {
      skipBlanks()
      guard current == UInt8(ascii: "\"") else { throw failure("expected a key") }
      let key = try readString()
      skipBlanks()
      guard skip(UInt8(ascii: ":")) else { throw failure("expected ':'") }
      object[key] = try readValue()
      skipBlanks()
      if skip(UInt8(ascii: "}")) { return .dictionary(object) }
      guard skip(UInt8(ascii: ",")) else { throw failure("expected ',' or '}'") }
    }
  }

  private mutating func readNumber() throws(TemplateError) -> TemplateValue {
    let start = at
    var isFloat = false
    while let byte = current {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"):
        isFloat = true
      default: return try number(start..<at, isFloat: isFloat)
      }
      at += 1
    }
    return try number(start..<at, isFloat: isFloat)
  }

  private func number(_ range: Range<Int>, isFloat: Bool) throws(TemplateError) -> TemplateValue {
    let text = String(decoding: bytes[range], as: UTF8.self)
    var digits = text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
    guard let first = digits.utf8.first, first >= 0x30, first <= 0x39 else {
      throw failure("unexpected character")
    }
    digits = digits.dropFirst()
    if first == 0x30, let second = digits.utf8.first, second >= 0x30, second <= 0x39 {
      throw failure("a number with a leading zero")
    }
    if isFloat, text.utf8.last != UInt8(ascii: "."), !text.contains(".e"), !text.contains(".E"),
      let value = Double(text)
    {
      return .float(value)
    }
    guard !isFloat, let value = Int(text) else {
      throw failure("the number \(text.prefix(40)) cannot be held")
    }
    return .int(value)
  }

  private mutating func readString() throws(TemplateError) -> String {
    at += 1
    var text: [UInt8] = []
    while let byte = current {
      at += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      guard byte >= 0x20 else { throw failure("a control character in a string") }
      if byte == UInt8(ascii: "\\") {
        try readEscape(into: &text)
      } else {
        text.append(byte)
      }
    }
    throw failure("a string without its end")
  }

  private mutating func readEscape(into text: inout [UInt8]) throws(TemplateError) {
    guard let letter = current else { throw failure("a string without its end") }
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var value = try readUnit()
      if value >= 0xd800, value < 0xdc00, skip(word: "\\u") {
        let low = try readUnit()
        guard low >= 0xdc00, low < 0xe000 else { throw failure("half of a surrogate pair") }
        value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw failure("half of a surrogate pair") }
      text.append(contentsOf: Array(String(scalar).utf8))
    default: throw failure("an unknown escape")
    }
  }

  private mutating func readUnit() throws(TemplateError) -> UInt32 {
    guard bytes.count - at >= 4 else { throw failure("a truncated escape") }
    var value: UInt32 = 0
    for byte in bytes[at..<(at + 4)] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("a bad escape")
      }
      value = value << 4 | UInt32(digit)
    }
    at += 4
    return value
  }
}
