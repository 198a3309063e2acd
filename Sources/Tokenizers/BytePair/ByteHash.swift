/// A hash of byte strings for the tables of this module.
///
/// FNV-1a's step with a seed drawn once a process, so that nobody can prepare colliding spellings;
/// results never depend on it.
enum ByteHash {
  /// Where a hash starts.
  static let seed = UInt64.random(in: .min ... .max)
  /// An odd multiplier for keys that are integers.
  static let multiplier = UInt64.random(in: .min ... .max) | 1

  /// The hash of `bytes[range]`.
  @inline(__always)
  static func of(_ bytes: [UInt8], _ range: Range<Int>, seed: UInt64) -> UInt64 {
    var hash = seed
    for index in range { hash = step(hash, bytes[index]) }
    return finish(hash)
  }

  /// The hash of a text's bytes of UTF-8.
  static func of(_ text: String) -> UInt64 {
    var hash = seed
    for byte in text.utf8 { hash = step(hash, byte) }
    return finish(hash)
  }

  @inline(__always)
  private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x100_0000_01b3
  }

  /// Spreads the last bytes over the whole word (the finaliser of MurmurHash3).
  @inline(__always)
  static func finish(_ value: UInt64) -> UInt64 {
    var hash = value
    hash ^= hash >> 33
    hash = hash &* 0xff51_afd7_ed55_8ccd
    hash ^= hash >> 33
    return hash
  }
}
