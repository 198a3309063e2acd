/// Canonical composition (NFC) that touches only what may change: the neighbourhoods of characters
/// that combine, or that never stand in composed text.
///
/// Not Foundation's: it composes about a megabyte a second, leaves a Hangul syllable and a final
/// after it apart, and takes U+10041 with an acute accent for U+0041 with one. Characters that
/// Unicode 10 or later brought are left alone, as the `tokenizers` library does, whose tables end
/// there.
///
/// Source: Unicode Standard Annex 15, and the standard's section 3.12 for Hangul.
package enum CanonicalComposition {
  /// The composed text.
  package static func compose(_ bytes: [UInt8]) -> [UInt8] {
    guard var index = firstCandidate(bytes, from: 0) else { return bytes }
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var copied = 0
    while index < bytes.count {
      let (value, next) = UTF8Scan.scalar(bytes, index)
      guard isUnstable(value) else {
        index = next
        continue
      }
      // From the character that the first unstable one may combine with, to the last unstable one.
      var start = index
      if start > copied {
        let before = UTF8Scan.before(bytes, start)
        if !isUnknown(UTF8Scan.scalar(bytes, before).value) { start = before }
      }
      var end = next
      while end < bytes.count {
        let (value, next) = UTF8Scan.scalar(bytes, end)
        guard isUnstable(value) else { break }
        end = next
      }
      output.append(contentsOf: bytes[copied..<start])
      CanonicalComposition.appendComposed(bytes, start..<end, to: &output)
      copied = end
      guard let candidate = firstCandidate(bytes, from: end) else { break }
      index = candidate
    }
    output.append(contentsOf: bytes[copied...])
    return output
  }

  /// The first character from U+0300 on; everything before is composed and stable.
  private static func firstCandidate(_ bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index < bytes.count {
      if bytes[index] >= 0xcc { return index }
      index += 1
    }
    return nil
  }

  /// Whether a character may change by composition, or combine with the one before it.
  static func isUnstable(_ value: UInt32) -> Bool {
    guard value >= 0x300 else { return false }
    return value < 0x1_0000 ? basicPlane[Int(value)] : computed(value)
  }

  private static let basicPlane: [Bool] = (0..<0x1_0000).map { computed(UInt32($0)) }

  private static func computed(_ value: UInt32) -> Bool {
    guard let scalar = Unicode.Scalar(value), !isUnknown(value) else { return false }
    return scalar.properties.canonicalCombiningClass != .notReordered
      || changing.contains { $0.contains(value) }
  }

  /// Whether a character is newer than the library's tables, or unassigned.
  static func isUnknown(_ value: UInt32) -> Bool {
    guard let age = Unicode.Scalar(value)?.properties.age else { return true }
    return age.major >= 10
  }

  /// Characters of combining class 0 whose NFC_Quick_Check is not Yes in Unicode 9: they decompose
  /// for good, or combine with the one before them.
  private static let changing: [ClosedRange<UInt32>] = [
    0x374...0x374, 0x37e...0x37e, 0x387...0x387, 0x958...0x95f, 0x9be...0x9be, 0x9d7...0x9d7,
    0x9dc...0x9dd, 0x9df...0x9df, 0xa33...0xa33, 0xa36...0xa36, 0xa59...0xa5b, 0xa5e...0xa5e,
    0xb3e...0xb3e, 0xb56...0xb57, 0xb5c...0xb5d, 0xbbe...0xbbe, 0xbd7...0xbd7, 0xcc2...0xcc2,
    0xcd5...0xcd6, 0xd3e...0xd3e, 0xd57...0xd57, 0xdcf...0xdcf, 0xddf...0xddf, 0xf43...0xf43,
    0xf4d...0xf4d, 0xf52...0xf52, 0xf57...0xf57, 0xf5c...0xf5c, 0xf69...0xf69, 0xf73...0xf73,
    0xf75...0xf76, 0xf78...0xf78, 0xf81...0xf81, 0xf93...0xf93, 0xf9d...0xf9d, 0xfa2...0xfa2,
    0xfa7...0xfa7, 0xfac...0xfac, 0xfb9...0xfb9, 0x102e...0x102e, 0x1161...0x1175, 0x11a8...0x11c2,
    0x1b35...0x1b35, 0x1f71...0x1f71, 0x1f73...0x1f73, 0x1f75...0x1f75, 0x1f77...0x1f77,
    0x1f79...0x1f79, 0x1f7b...0x1f7b, 0x1f7d...0x1f7d, 0x1fbb...0x1fbb, 0x1fbe...0x1fbe,
    0x1fc9...0x1fc9, 0x1fcb...0x1fcb, 0x1fd3...0x1fd3, 0x1fdb...0x1fdb, 0x1fe3...0x1fe3,
    0x1feb...0x1feb, 0x1fee...0x1fef, 0x1ff9...0x1ff9, 0x1ffb...0x1ffb, 0x1ffd...0x1ffd,
    0x2000...0x2001, 0x2126...0x2126, 0x212a...0x212b, 0x2329...0x232a, 0x2adc...0x2adc,
    0xf900...0xfa0d, 0xfa10...0xfa10, 0xfa12...0xfa12, 0xfa15...0xfa1e, 0xfa20...0xfa20,
    0xfa22...0xfa22, 0xfa25...0xfa26, 0xfa2a...0xfa6d, 0xfa70...0xfad9, 0xfb1d...0xfb1d,
    0xfb1f...0xfb1f, 0xfb2a...0xfb36, 0xfb38...0xfb3c, 0xfb3e...0xfb3e, 0xfb40...0xfb41,
    0xfb43...0xfb44, 0xfb46...0xfb4e, 0x1_1127...0x1_1127, 0x1_133e...0x1_133e,
    0x1_1357...0x1_1357, 0x1_14b0...0x1_14b0, 0x1_14ba...0x1_14ba, 0x1_14bd...0x1_14bd,
    0x1_15af...0x1_15af, 0x1_d15e...0x1_d164, 0x1_d1bb...0x1_d1c0, 0x2_f800...0x2_fa1d,
  ]
}
