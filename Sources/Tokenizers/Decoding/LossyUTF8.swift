/// Reads UTF-8 piece by piece: whole characters come out as they are complete, and each longest
/// beginning of a character that does not go on becomes one U+FFFD.
///
/// Source: the Unicode standard, section 3.9, "U+FFFD Substitution of Maximal Subparts".
struct LossyUTF8: Sendable {
  /// The UTF-8 bytes of U+FFFD.
  static let replacement: [UInt8] = [0xef, 0xbf, 0xbd]

  private var pending: [UInt8] = []
  private var needed = 0

  /// Takes one byte; appends what is complete.
  mutating func push(_ byte: UInt8, to output: inout [UInt8]) {
    if needed > 0 {
      if LossyUTF8.continues(pending, byte) {
        pending.append(byte)
        needed -= 1
        if needed == 0 {
          output.append(contentsOf: pending)
          pending.removeAll(keepingCapacity: true)
        }
        return
      }
      finish(&output)
    }
    switch byte {
    case 0..<0x80: output.append(byte)
    case 0xc2...0xdf: begin(byte, needing: 1)
    case 0xe0...0xef: begin(byte, needing: 2)
    case 0xf0...0xf4: begin(byte, needing: 3)
    default: output.append(contentsOf: LossyUTF8.replacement)
    }
  }

  /// Ends the text: what is incomplete becomes U+FFFD.
  mutating func finish(_ output: inout [UInt8]) {
    guard needed > 0 else { return }
    output.append(contentsOf: LossyUTF8.replacement)
    pending.removeAll(keepingCapacity: true)
    needed = 0
  }

  private mutating func begin(_ byte: UInt8, needing count: Int) {
    pending.append(byte)
    needed = count
  }

  /// Whether `byte` may follow, by the table of well-formed sequences (Unicode, table 3-7).
  private static func continues(_ pending: [UInt8], _ byte: UInt8) -> Bool {
    guard pending.count == 1 else { return byte & 0xc0 == 0x80 }
    switch pending[0] {
    case 0xe0: return (0xa0...0xbf).contains(byte)
    case 0xed: return (0x80...0x9f).contains(byte)
    case 0xf0: return (0x90...0xbf).contains(byte)
    case 0xf4: return (0x80...0x8f).contains(byte)
    default: return byte & 0xc0 == 0x80
    }
  }
}
