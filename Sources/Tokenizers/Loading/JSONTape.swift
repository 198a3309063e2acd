/// A JSON text as a flat list of nodes that point into its bytes.
///
/// A tokenizer.json holds hundreds of thousands of strings; a tree of values would cost an
/// allocation for each, and Foundation's dictionaries would take keys that are canonically
/// equivalent for one.
struct JSONTape: Sendable {
  enum Kind: UInt8, Sendable { case null, bool, number, string, array, object }

  struct Node: Sendable {
    var kind: Kind
    var hasEscapes = false
    /// The value's bytes, without a string's quotes.
    var start: Int32
    var end: Int32
    /// The node after this one and all that it holds.
    var next: Int32
  }

  /// Files beyond this size are refused; the largest in use have about 35 MB.
  static let sizeLimit = 256 << 20
  static let depthLimit = 64

  let bytes: [UInt8]
  let file: String
  private(set) var nodes: [Node] = []

  /// Reads a text.
  ///
  /// - Parameter file: The name that errors show.
  init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
    guard bytes.count <= JSONTape.sizeLimit else {
      throw TokenizerError(
        .tooLarge, "\(file) has \(bytes.count) bytes; at most \(JSONTape.sizeLimit) are read")
    }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw TokenizerError(.malformed, "\(file) is not valid UTF-8")
    }
    self.bytes = bytes
    self.file = file
    nodes.reserveCapacity(bytes.count / 16)
    var index = 0
    try parseValue(&index, depth: 0)
    skipSpace(&index)
    guard index == bytes.count else { throw malformed("something after the value", at: index) }
  }

  private func malformed(_ what: String, at index: Int) -> TokenizerError {
    TokenizerError(.malformed, "\(file) is not valid JSON: \(what) at byte \(index)")
  }

  private func skipSpace(_ index: inout Int) {
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
      index += 1
    }
  }

  private mutating func parseValue(_ index: inout Int, depth: Int) throws(TokenizerError) {
    skipSpace(&index)
    guard index < bytes.count else { throw malformed("it ends too early", at: index) }
    switch bytes[index] {
    case UInt8(ascii: "{"): try parseContainer(&index, depth: depth, .object, UInt8(ascii: "}"))
    case UInt8(ascii: "["): try parseContainer(&index, depth: depth, .array, UInt8(ascii: "]"))
    case UInt8(ascii: "\""): try parseString(&index)
    case UInt8(ascii: "t"): try parseWord(&index, "true", .bool)
    case UInt8(ascii: "f"): try parseWord(&index, "false", .bool)
    case UInt8(ascii: "n"): try parseWord(&index, "null", .null)
    default: try parseNumber(&index)
    }
  }

  private mutating func parseContainer(
    _ index: inout Int, depth: Int, _ kind: Kind, _ close: UInt8
  ) throws(TokenizerError) {
    guard depth < JSONTape.depthLimit else {
      throw malformed("more than \(JSONTape.depthLimit) levels", at: index)
    }
    let own = nodes.count
    append(kind, index, index)
    index += 1
    skipSpace(&index)
    var isEmpty = true
    while index < bytes.count, bytes[index] != close || !isEmpty {
      if kind == .object {
        skipSpace(&index)
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
          throw malformed("a key is missing", at: index)
        }
        try parseString(&index)
        skipSpace(&index)
        guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else {
          throw malformed("a colon is missing", at: index)
        }
        index += 1
      }
      try parseValue(&index, depth: depth + 1)
      skipSpace(&index)
      isEmpty = false
      guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { break }
      index += 1
    }
    guard index < bytes.count, bytes[index] == close else {
      throw malformed("a bracket is not closed", at: index)
    }
    index += 1
    nodes[own].end = Int32(truncatingIfNeeded: index)
    nodes[own].next = Int32(truncatingIfNeeded: nodes.count)
  }

  private mutating func append(_ kind: Kind, _ start: Int, _ end: Int, hasEscapes: Bool = false) {
    nodes.append(
      Node(
        kind: kind, hasEscapes: hasEscapes, start: Int32(truncatingIfNeeded: start),
        end: Int32(truncatingIfNeeded: end), next: Int32(truncatingIfNeeded: nodes.count + 1)))
  }

  private mutating func parseString(_ index: inout Int) throws(TokenizerError) {
    let start = index + 1
    index = start
    var hasEscapes = false
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        append(.string, start, index, hasEscapes: hasEscapes)
        index += 1
        return
      }
      guard byte >= 0x20 else { throw malformed("a control character in a string", at: index) }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        index += 1
      }
      index += 1
    }
    throw malformed("a string is not closed", at: start - 1)
  }

  private mutating func parseWord(
    _ index: inout Int, _ word: String, _ kind: Kind
  ) throws(TokenizerError) {
    guard bytes[index...].starts(with: word.utf8) else {
      throw malformed("an unknown word", at: index)
    }
    append(kind, index, index + word.utf8.count)
    index += word.utf8.count
  }

  private mutating func parseNumber(_ index: inout Int) throws(TokenizerError) {
    let start = index
    while index < bytes.count, bytes[index] &- 0x30 < 10 { index += 1 }
    let afterDigits = index
    while index < bytes.count, JSONTape.isOfNumber(bytes[index]) { index += 1 }
    // Digits alone are the common case: the ids of a vocabulary.
    let isPlain = afterDigits > start && afterDigits == index
    guard isPlain || Double(String(decoding: bytes[start..<index], as: UTF8.self)) != nil else {
      throw malformed("an unexpected character", at: start)
    }
    append(.number, start, index)
  }

  private static func isOfNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"),
      UInt8(ascii: "E"):
      true
    default: false
    }
  }
}
