extension JSONValue {
  /// Reads one JSON text in UTF-8; white space around it is allowed, anything else after it is not.
  ///
  /// Strict (RFC 8259): no comments, no trailing commas, no `NaN`, no lone surrogates, no key twice in one object.
  /// - Parameter maximumDepth: Arrays and objects that may stand inside one another.
  public init(
    parsing bytes: some Sequence<UInt8>, maximumDepth: Int = 64
  ) throws(JSONError) {
    var parser = JSONParser(bytes: Array(bytes), maximumDepth: maximumDepth)
    self = try parser.parse()
  }

  /// Reads one JSON text.
  public init(parsing text: String, maximumDepth: Int = 64) throws(JSONError) {
    try self.init(parsing: text.utf8, maximumDepth: maximumDepth)
  }
}

struct JSONParser {
  let bytes: [UInt8]
  let maximumDepth: Int
  var at = 0

  init(bytes: [UInt8], maximumDepth: Int) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
  }

  mutating func parse() throws(JSONError) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard at == bytes.count else { throw fault(.trailingText, "text after the JSON value") }
    return value
  }

  func fault(_ code: JSONError.Code, _ reason: String, at offset: Int? = nil) -> JSONError {
    let offset = min(offset ?? at, bytes.count)
    let line = bytes[..<offset].reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    return JSONError(code, reason, offset: offset, line: line)
  }

  private func unexpected(_ wanted: String) -> JSONError {
    guard at < bytes.count else {
      return fault(.unexpectedEnd, "the text ends where \(wanted) should stand")
    }
    let byte = bytes[at]
    let shown = (33...126).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    return fault(.unexpectedCharacter, "\(shown) where \(wanted) should stand")
  }

  private mutating func skipSpace() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x0A, 0x0D, 0x09: at += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  private mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    guard at < bytes.count else { throw unexpected("a value") }
    switch bytes[at] {
    case UInt8(ascii: "{"): return try parseObject(depth: depth)
    case UInt8(ascii: "["): return try parseArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    default: throw unexpected("a value")
    }
  }

  private mutating func parseWord(
    _ word: StaticString, _ value: JSONValue
  ) throws(JSONError) -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard bytes.count - at >= count, bytes[at..<at + count].elementsEqual("\(word)".utf8) else {
      throw unexpected("a value")
    }
    at += count
    return value
  }

  private mutating func open(depth: Int) throws(JSONError) {
    guard depth < maximumDepth else {
      throw fault(.tooDeep, "more than \(maximumDepth) lists and objects inside one another")
    }
    at += 1
    skipSpace()
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> JSONValue {
    try open(depth: depth)
    var elements: [JSONValue] = []
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try parseValue(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(elements) }
      guard take(UInt8(ascii: ",")) else { throw unexpected("',' or ']'") }
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> JSONValue {
    try open(depth: depth)
    var object = JSONObject()
    if take(UInt8(ascii: "}")) { return .object(object) }
    while true {
      skipSpace()
      let start = at
      guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw unexpected("a key") }
      let key = try parseString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw unexpected("':'") }
      let value = try parseValue(depth: depth + 1)
      guard object.appendIfNew(JSONObject.Member(key: key, value: value)) else {
        throw fault(.duplicateKey, "the key '\(key.prefix(80))' stands twice", at: start)
      }
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(object) }
      guard take(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
    }
  }

  private mutating func skipDigits() -> Int {
    let start = at
    while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
    return at - start
  }

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = at
    let negative = take(UInt8(ascii: "-"))
    let leading = at
    let digits = skipDigits()
    guard digits > 0 else { throw unexpected("a digit") }
    guard digits == 1 || bytes[leading] != UInt8(ascii: "0") else {
      throw fault(.badNumber, "a number may not begin with 0", at: start)
    }
    var integral = true
    if take(UInt8(ascii: ".")) {
      integral = false
      guard skipDigits() > 0 else { throw unexpected("a digit") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      integral = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard skipDigits() > 0 else { throw unexpected("a digit") }
    }
    if integral, let value = integer(from: leading, to: at, negative: negative) {
      return .int(value)
    }
    guard let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)), value.isFinite
    else { throw fault(.badNumber, "the number is too large", at: start) }
    return .double(value)
  }

  private func integer(from start: Int, to end: Int, negative: Bool) -> Int? {
    var value = 0  // kept negative: the range of Int is larger there
    for byte in bytes[start..<end] {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, under) = shifted.subtractingReportingOverflow(Int(byte) - 48)
      if overflow || under { return nil }
      value = next
    }
    if negative { return value }
    let (positive, overflow) = Int(0).subtractingReportingOverflow(value)
    return overflow ? nil : positive
  }
}
