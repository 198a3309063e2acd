/// GPT-2's alphabet: every byte as one printable character.
///
/// Printable Latin-1 stands for itself; the other 68 bytes take the code points from U+0100 on.
/// Source: `bytes_to_unicode` of OpenAI's GPT-2 encoder.
enum ByteAlphabet {
  /// The code point that stands for each byte.
  static let scalars: [UInt32] = {
    var scalars: [UInt32] = []
    var next: UInt32 = 0x100
    for byte in UInt32(0)..<256 {
      if (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || byte >= 0xae {
        scalars.append(byte)
      } else {
        scalars.append(next)
        next += 1
      }
    }
    return scalars
  }()

  /// The UTF-8 spelling of each byte.
  static let spelling: [[UInt8]] = scalars.map { scalar in
    scalar < 0x80
      ? [UInt8(scalar)] : [UInt8(0xc0 | scalar >> 6), UInt8(0x80 | scalar & 0x3f)]
  }

  /// The byte for each code point below U+0144; -1 where it stands for none.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
    return bytes
  }()

  /// Appends the bytes that a spelling stands for; false, and nothing appended, where a character
  /// is not of the alphabet.
  static func appendRaw(_ spelling: ArraySlice<UInt8>, to output: inout [UInt8]) -> Bool {
    let start = output.count
    let table = bytes
    var index = spelling.startIndex
    while index < spelling.endIndex {
      let first = spelling[index]
      var scalar = Int(first)
      if first >= 0x80 {
        guard first < 0xe0, index + 1 < spelling.endIndex else {
          output.removeLast(output.count - start)
          return false
        }
        index += 1
        scalar = Int(first & 0x1f) << 6 | Int(spelling[index] & 0x3f)
      }
      guard scalar < table.count, table[scalar] >= 0 else {
        output.removeLast(output.count - start)
        return false
      }
      output.append(UInt8(truncatingIfNeeded: table[scalar]))
      index += 1
    }
    return true
  }

  /// The spelling of a byte fallback token: `<0x0A>`.
  static func fallback(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  /// The byte that a fallback token stands for, in upper or lower case; nil for other tokens.
  static func byte(ofFallback spelling: ArraySlice<UInt8>) -> UInt8? {
    guard spelling.count == 6, spelling.starts(with: "<0x".utf8), spelling.last == 0x3e else {
      return nil
    }
    let start = spelling.startIndex
    guard let high = hexDigit(spelling[start + 3]) else { return nil }
    guard let low = hexDigit(spelling[start + 4]) else {
      return nil
    }
    return high << 4 | low
  }

  /// The value of a hexadecimal digit.
  static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
