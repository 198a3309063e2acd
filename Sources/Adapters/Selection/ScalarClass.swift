/// A set of characters in a pattern: one character, `.`, `\w`, or `[...]`.
struct ScalarClass: Sendable {
  enum Member: Sendable {
    case range(ClosedRange<UInt32>)
    case digit(negated: Bool)
    case word(negated: Bool)
    case space(negated: Bool)
  }

  var members: [Member]
  var negated = false
  var ignoresCase = false

  static func only(_ scalar: Unicode.Scalar, ignoresCase: Bool) -> ScalarClass {
    ScalarClass(members: [.range(scalar.value...scalar.value)], ignoresCase: ignoresCase)
  }

  /// `.`: anything but a newline, or anything at all under `(?s)`.
  static func any(matchesNewline: Bool) -> ScalarClass {
    matchesNewline
      ? ScalarClass(members: [], negated: true)
      : ScalarClass(members: [.range(10...10)], negated: true)
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    var found = holds(scalar)
    if !found, ignoresCase {
      found =
        holds(ScalarClass.single(scalar.properties.lowercaseMapping))
        || holds(ScalarClass.single(scalar.properties.uppercaseMapping))
    }
    return found != negated
  }

  private func holds(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return members.contains {
      switch $0 {
      case .range(let range): range.contains(scalar.value)
      case .digit(let negated): (scalar.properties.generalCategory == .decimalNumber) != negated
      case .word(let negated): ScalarClass.isWord(scalar) != negated
      case .space(let negated): ScalarClass.isSpace(scalar) != negated
      }
    }
  }

  private static func single(_ text: String) -> Unicode.Scalar? {
    text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
  }

  /// `\w`: letters, digits and the underscore (`str.isalnum`).
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber:
      true
    default: scalar == "_"
    }
  }

  /// `\s`: `str.isspace`, which also counts the four information separators.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }
}
