/// How a JSON text is laid out.
public struct JSONStyle: Sendable, Equatable {
  /// Spaces for each level, every member on its own line; nil for one line.
  public var indent: Int?
  /// Whether members stand in the order of their keys' bytes instead of their own.
  public var sortKeys: Bool
  /// Whether everything outside printable ASCII is written as `\uXXXX`.
  public var escapesNonASCII: Bool
  /// Whether one line has a space after each comma and colon.
  public var spaced: Bool

  /// A layout; by default the shortest.
  public init(
    indent: Int? = nil, sortKeys: Bool = false, escapesNonASCII: Bool = false, spaced: Bool = false
  ) {
    self.indent = indent
    self.sortKeys = sortKeys
    self.escapesNonASCII = escapesNonASCII
    self.spaced = spaced
  }

  /// One line without spaces, UTF-8: as serde_json writes.
  public static let compact = JSONStyle()
  /// The shortest text with sorted keys: one text for one value, to take digests of.
  public static let canonical = JSONStyle(sortKeys: true)
  /// Python's `json.dumps(value)`.
  public static let python = JSONStyle(escapesNonASCII: true, spaced: true)
  /// Python's `json.dumps(value, indent=2, sort_keys=True)`.
  public static let pythonIndented = JSONStyle(indent: 2, sortKeys: true, escapesNonASCII: true)
  /// Two spaces a level, keys in their own order, UTF-8: for people.
  public static let pretty = JSONStyle(indent: 2)
}

extension JSONValue {
  /// The JSON text of this value, without a newline at its end.
  ///
  /// A number that is not finite has no JSON text and is written as `null`.
  public func text(_ style: JSONStyle = .compact) -> String {
    String(decoding: bytes(style), as: UTF8.self)
  }

  /// The UTF-8 of `text(_:)`.
  public func bytes(_ style: JSONStyle = .compact) -> [UInt8] {
    var writer = JSONWriter(style: style)
    writer.write(self, level: 0)
    return writer.out
  }
}

private struct JSONWriter {
  let style: JSONStyle
  var out: [UInt8] = []

  init(style: JSONStyle) { self.style = style }

  mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: put("null")
    case .bool(let value): put(value ? "true" : "false")
    case .int(let value): put(String(value))
    case .double(let value): put(number(value))
    case .string(let value): put(quoting: value)
    case .array(let elements):
      list("[", "]", elements, level: level) { writer, element in
        writer.write(element, level: level + 1)
      }
    case .object(let object):
      let members =
        style.sortKeys
        ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        : object.members
      list("{", "}", members, level: level) { writer, member in
        writer.put(quoting: member.key)
        writer.put(writer.style.indent != nil || writer.style.spaced ? ": " : ":")
        writer.write(member.value, level: level + 1)
      }
    }
  }

  private mutating func put(_ text: String) { out.append(contentsOf: text.utf8) }

  private mutating func list<Element>(
    _ open: String, _ close: String, _ elements: [Element], level: Int,
    _ write: (inout JSONWriter, Element) -> Void
  ) {
    put(open)
    for (index, element) in elements.enumerated() {
      if index > 0 { put(style.spaced && style.indent == nil ? ", " : ",") }
      newLine(level + 1)
      write(&self, element)
    }
    if !elements.isEmpty { newLine(level) }
    put(close)
  }

  private mutating func newLine(_ level: Int) {
    guard let indent = style.indent else { return }
    put("\n" + String(repeating: " ", count: indent * level))
  }

  /// The shortest text that reads back as the same number, laid out as Python's `repr`.
  private func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    let text = value.description
    // Swift goes over to an exponent at 2^54, Python at 1e16.
    guard value.magnitude >= 1e16, text.hasSuffix(".0") else { return text }
    let sign = value < 0 ? "-" : ""
    let digits = text.dropFirst(sign.count).dropLast(2)
    var mantissa = digits.dropFirst()
    while mantissa.last == "0" { mantissa.removeLast() }
    let point = mantissa.isEmpty ? "" : "."
    return "\(sign)\(digits.prefix(1))\(point)\(mantissa)e+\(digits.count - 1)"
  }

  private mutating func put(quoting text: String) {
    out.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: put("\\\"")
      case 0x5C: put("\\\\")
      case 0x08: put("\\b")
      case 0x09: put("\\t")
      case 0x0A: put("\\n")
      case 0x0C: put("\\f")
      case 0x0D: put("\\r")
      case 0..<0x20: put(escape: scalar.value)
      case 0x20..<0x7F: out.append(UInt8(scalar.value))
      case 0x10000... where style.escapesNonASCII:
        put(escape: 0xD800 + (scalar.value - 0x10000) >> 10)
        put(escape: 0xDC00 + (scalar.value - 0x10000) & 0x3FF)
      case _ where style.escapesNonASCII: put(escape: scalar.value)
      default: out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
    out.append(UInt8(ascii: "\""))
  }

  private mutating func put(escape unit: UInt32) {
    let digits = String(unit, radix: 16)
    put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }
}
