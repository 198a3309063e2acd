extension JSONTape {
  /// The integer of a number node; nil for fractions and for what does not fit.
  func integer(_ index: Int) -> Int? {
    let node = nodes[index]
    var value = 0
    var position = Int(node.start)
    let isNegative = bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    guard position < Int(node.end), Int(node.end) - position <= 18 else { return nil }
    while position < Int(node.end) {
      let digit = bytes[position] &- 0x30
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
      position += 1
    }
    return isNegative ? -value : value
  }

  /// The bytes of a string node, escapes resolved.
  func string(_ index: Int, place: String) throws(TokenizerError) -> [UInt8] {
    var output: [UInt8] = []
    try appendString(index, to: &output, place: place)
    return output
  }

  /// Appends the bytes of a string node, escapes resolved.
  func appendString(
    _ index: Int, to output: inout [UInt8], place: @autoclosure () -> String
  ) throws(TokenizerError) {
    let node = nodes[index]
    guard node.kind == .string else {
      throw TokenizerError(.malformed, "\(place()) holds something else than a string")
    }
    guard node.hasEscapes else {
      output.append(contentsOf: bytes[Int(node.start)..<Int(node.end)])
      return
    }
    var position = Int(node.start)
    let end = Int(node.end)
    while position < end {
      let byte = bytes[position]
      guard byte == UInt8(ascii: "\\") else {
        output.append(byte)
        position += 1
        continue
      }
      try appendEscape(&position, end, to: &output)
    }
  }

  private func appendEscape(
    _ position: inout Int, _ end: Int, to output: inout [UInt8]
  ) throws(TokenizerError) {
    let escape = bytes[position + 1]
    position += 2
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(escape)
    case UInt8(ascii: "b"): output.append(0x08)
    case UInt8(ascii: "f"): output.append(0x0c)
    case UInt8(ascii: "n"): output.append(0x0a)
    case UInt8(ascii: "r"): output.append(0x0d)
    case UInt8(ascii: "t"): output.append(0x09)
    case UInt8(ascii: "u"):
      var value = try codeUnit(&position, end)
      if (0xd800..<0xdc00).contains(value), end - position >= 6,
        bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try codeUnit(&position, end)
        guard (0xdc00..<0xe000).contains(low) else { throw badEscape(position) }
        value = 0x1_0000 + (value - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw badEscape(position) }
      output.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    default: throw badEscape(position)
    }
  }

  private func codeUnit(_ position: inout Int, _ end: Int) throws(TokenizerError) -> UInt32 {
    guard end - position >= 4 else { throw badEscape(position) }
    var value: UInt32 = 0
    for offset in 0..<4 {
      guard let digit = ByteAlphabet.hexDigit(bytes[position + offset]) else {
        throw badEscape(position)
      }
      value = value << 4 | UInt32(digit)
    }
    position += 4
    return value
  }

  private func badEscape(_ position: Int) -> TokenizerError {
    TokenizerError(.malformed, "\(file) is not valid JSON: a bad escape before byte \(position)")
  }
}
