/// What the split patterns ask of a character: the Unicode categories behind `\p{L}`, `\p{N}`, `\s`
/// and their parts.
///
/// Pinned to Unicode 16, which the `tokenizers` library's regular expressions know: code points
/// that a later version assigned count as unassigned, so that ids do not change with the toolchain.
struct CharacterClass: OptionSet, Sendable {
  let rawValue: UInt8

  static let upper = CharacterClass(rawValue: 1)  // Lu, Lt
  static let lower = CharacterClass(rawValue: 2)  // Ll
  static let caseless = CharacterClass(rawValue: 4)  // Lm, Lo
  static let mark = CharacterClass(rawValue: 8)  // Mn, Mc, Me
  static let number = CharacterClass(rawValue: 16)  // Nd, Nl, No
  static let space = CharacterClass(rawValue: 32)  // White_Space
  /// `\p{L}`
  static let letter: CharacterClass = [.upper, .lower, .caseless]

  @inline(__always)
  func meets(_ other: CharacterClass) -> Bool { rawValue & other.rawValue != 0 }

  /// The classes of ASCII.
  static let ascii: [CharacterClass] = (0..<128).map { computed(UInt32($0)) }
  /// The classes of the basic multilingual plane, made when the first such character is seen.
  private static let basicPlane: [CharacterClass] = (0..<0x1_0000).map { computed(UInt32($0)) }

  /// The class of any code point.
  @inline(__always)
  static func of(_ value: UInt32) -> CharacterClass {
    value < 0x1_0000 ? basicPlane[Int(value)] : computed(value)
  }

  private static func computed(_ value: UInt32) -> CharacterClass {
    if value == 0x295 { return .lower }  // Ll up to Unicode 16, Lo from 17 on
    guard let scalar = Unicode.Scalar(value) else { return [] }
    let properties = scalar.properties
    if let age = properties.age, age.major > 16 { return [] }
    switch properties.generalCategory {
    case .uppercaseLetter, .titlecaseLetter: return .upper
    case .lowercaseLetter: return .lower
    case .modifierLetter, .otherLetter: return .caseless
    case .nonspacingMark, .spacingMark, .enclosingMark: return .mark
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    default: return properties.isWhitespace ? .space : []
    }
  }

  /// `\w` of added tokens that match single words only: alphabetic, marks, decimal digits,
  /// connectors and joiners (Unicode Technical Standard 18, annex C).
  static func isWordCharacter(_ value: UInt32) -> Bool {
    guard let properties = Unicode.Scalar(value)?.properties else { return false }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return properties.isAlphabetic || properties.isJoinControl
    }
  }
}
