/// Steps over UTF-8 that is known to be valid.
enum UTF8Scan {
  /// The number of bytes of the character that begins with `first`.
  @inline(__always)
  static func length(_ first: UInt8) -> Int {
    first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  }

  /// The code point at `index`, and where the next one begins.
  @inline(__always)
  static func scalar(_ bytes: [UInt8], _ index: Int) -> (value: UInt32, next: Int) {
    let first = bytes[index]
    if first < 0x80 { return (UInt32(first), index + 1) }
    let second = UInt32(bytes[index + 1] & 0x3f)
    if first < 0xe0 { return (UInt32(first & 0x1f) << 6 | second, index + 2) }
    let third = UInt32(bytes[index + 2] & 0x3f)
    if first < 0xf0 { return (UInt32(first & 0x0f) << 12 | second << 6 | third, index + 3) }
    let fourth = UInt32(bytes[index + 3] & 0x3f)
    return (UInt32(first & 0x07) << 18 | second << 12 | third << 6 | fourth, index + 4)
  }

  /// Where the code point before `index` begins.
  @inline(__always)
  static func before(_ bytes: [UInt8], _ index: Int) -> Int {
    var start = index - 1
    while start > 0, bytes[start] & 0xc0 == 0x80 { start -= 1 }
    return start
  }
}
