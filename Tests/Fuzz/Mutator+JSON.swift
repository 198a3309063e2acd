extension Mutator {
  /// Puts something else in the place of a value, or moves, doubles or takes one away.
  mutating func damageJSON(_ bytes: inout [UInt8]) {
    let values = Mutator.values(bytes)
    guard !values.isEmpty else { return damageBytes(&bytes) }
    let value = pick(values)
    switch below(8) {
    case 0, 1, 2: bytes.replaceSubrange(value, with: hostileValue(in: bytes, for: value))
    case 3: bytes.replaceSubrange(value, with: Array(bytes[pick(values)]))
    case 4:
      let depth = pick([1, 3, 15, 16, 17, 63, 64, 65, 100, 10_000])
      let isList = below(2) == 0
      bytes.insert(
        contentsOf: repeatElement(Array((isList ? "]" : "}").utf8), count: depth).joined(),
        at: value.upperBound)
      bytes.insert(
        contentsOf: repeatElement(Array((isList ? "[" : "{\"a\":").utf8), count: depth).joined(),
        at: value.lowerBound)
    case 5:
      // From one value to another: members twice, lists that begin again, now and then so often that memory shows.
      let other = pick(values)
      let stretch =
        min(value.lowerBound, other.lowerBound)..<max(value.upperBound, other.upperBound)
      let copies = below(20) == 0 ? 1 << below(17) : 1
      guard stretch.count * copies < 500_000 else { return }
      let copy = [UInt8(ascii: ",")] + bytes[stretch]
      bytes.insert(
        contentsOf: repeatElement(copy, count: copies).joined(), at: stretch.upperBound)
    case 6: bytes.removeSubrange(value)
    default: bytes.insert(contentsOf: pick(Mutator.rowPieces).utf8, at: value.lowerBound)
    }
  }

  /// Damages the JSON of a safetensors file and, mostly, writes its new length before it.
  mutating func damageHeader(_ bytes: inout [UInt8]) {
    guard bytes.count >= 8 else { return damageBytes(&bytes) }
    let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(bytes.count - 8) else { return damageBytes(&bytes) }
    var header = Array(bytes[8..<8 + Int(length)])
    damageJSON(&header)
    let data = bytes[(8 + Int(length))...]
    let told = below(8) == 0 ? length : UInt64(header.count)
    bytes = (0..<8).map { UInt8(truncatingIfNeeded: told >> UInt64(8 * $0)) } + header + data
  }

  private mutating func hostileValue(in bytes: [UInt8], for value: Range<Int>) -> [UInt8] {
    let first = bytes[value.lowerBound]
    let isString = first == UInt8(ascii: "\"")
    let isNumber = first == UInt8(ascii: "-") || (48...57).contains(first)
    // Mostly of the same kind, so that it goes deeper.
    if below(4) > 0, isString { return Array("\"\(pick(Mutator.strings))\"".utf8) }
    if below(4) > 0, isNumber { return Array(pick(Mutator.numbers).utf8) }
    return Array(pick(Mutator.numbers + Mutator.others).utf8)
  }

  /// Strings, numbers, words and brackets.
  static func values(_ bytes: [UInt8]) -> [Range<Int>] {
    var values: [Range<Int>] = []
    var at = 0
    while at < bytes.count {
      let start = at
      at += 1
      switch bytes[start] {
      case UInt8(ascii: "\""):
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
          at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        at = min(bytes.count, at + 1)
      case UInt8(ascii: "-"), 48...57, 97...122:
        while at < bytes.count, !Mutator.ends.contains(bytes[at]) { at += 1 }
      case UInt8(ascii: "{"), UInt8(ascii: "["): break
      default: continue
      }
      values.append(start..<at)
    }
    return values
  }

  private static let ends = Set(",:]} \n\r\t\"".utf8)

  private static let numbers = [
    "0", "-0", "-1", "1", "2", "7", "1.5", "-1.5", "1e3", "1e400", "-1e400", "1e-400", "0.0001",
    "2147483647", "2147483648", "4294967295", "4294967296", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
    "4611686018427387904", "65536", "1000000", "NaN", "Infinity", "-Infinity", "0x10", "01", "1.",
    "99999999999999999999999999999999",
  ]

  private static let strings = [
    "", " ", "..", "/", "../../../../etc/passwd", "/dev/zero", "\\u0000", "\\ud800",
    "\\udc00\\ud800",
    "\\ud83d\\ude00", "\\n", "\u{7F}", "e\u{301}", "\\\\", "\\\"", "null", "F64", "F32", "BF16",
    "Q4_K",
    "chat", "plain", "(a*)*b", ".*", "all-linear", "LORA", "llama", "qwen3", "linear", "<0x00>",
    "<0xFF>",
    "{{ 'a' * 99999 }}", "{{ messages", "(", "[", "\\\\p{L}+", "(?i:a|b)+", "Ġ", "▁",
    String(repeating: "a", count: 5000), String(repeating: "\u{301}", count: 2000),
  ]

  private static let others = [
    "null", "true", "false", "[]", "{}", "\"\"", "[null]", "{\"a\":1}", "[[[]]]", "[-1]", "nul",
    "]", "}",
  ]
}
