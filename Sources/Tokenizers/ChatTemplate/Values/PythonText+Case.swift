extension Jinja.Text {
  /// `str.upper`: full case mapping.
  static func upper(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars { result += scalar.properties.uppercaseMapping }
    return result
  }

  /// `str.lower`: full case mapping, with the final form of sigma.
  static func lower(_ text: String) -> String {
    var result = ""
    let scalars = Array(text.unicodeScalars)
    for index in scalars.indices { result += lower(scalars, index) }
    return result
  }

  private static func lower(_ scalars: [Unicode.Scalar], _ index: Int) -> String {
    guard scalars[index].value == 0x3a3 else { return scalars[index].properties.lowercaseMapping }
    var before = index - 1
    while before >= 0, scalars[before].properties.isCaseIgnorable { before -= 1 }
    var after = index + 1
    while after < scalars.count, scalars[after].properties.isCaseIgnorable { after += 1 }
    let isFinal =
      before >= 0 && scalars[before].properties.isCased
      && (after == scalars.count || !scalars[after].properties.isCased)
    return isFinal ? "\u{3c2}" : "\u{3c3}"
  }

  /// `str.capitalize`: the first character in title case, the rest in lower case.
  static func capitalize(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    guard let first = scalars.first else { return "" }
    var result = first.properties.titlecaseMapping
    for index in scalars.indices.dropFirst() { result += lower(scalars, index) }
    return result
  }

  /// `str.title`: a character after a cased one is in lower case, others in title case.
  static func title(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = ""
    var afterCased = false
    for index in scalars.indices {
      result +=
        afterCased ? lower(scalars, index) : scalars[index].properties.titlecaseMapping
      afterCased = scalars[index].properties.isCased
    }
    return result
  }

  /// Jinja's `title` filter: words start after whitespace, hyphens and opening brackets only.
  static func titleWords(_ text: String) -> String {
    func starts(_ scalar: Unicode.Scalar) -> Bool {
      isSpace(scalar) || ["-", "(", "{", "[", "<"].contains(scalar)
    }
    var result = ""
    var word = ""
    var isFirst = true
    for scalar in text.unicodeScalars {
      if starts(scalar) {
        result += lower(word)
        word = ""
        isFirst = true
        result.unicodeScalars.append(scalar)
      } else if isFirst {
        result += scalar.properties.uppercaseMapping
        isFirst = false
      } else {
        word.unicodeScalars.append(scalar)
      }
    }
    return result + lower(word)
  }

  /// `str.isupper`: at least one cased character, and all of those are in upper case.
  static func isUpper(_ text: String) -> Bool {
    var found = false
    for scalar in text.unicodeScalars {
      if scalar.properties.isLowercase || isTitle(scalar) { return false }
      if scalar.properties.isUppercase { found = true }
    }
    return found
  }

  /// `str.islower`.
  static func isLower(_ text: String) -> Bool {
    var found = false
    for scalar in text.unicodeScalars {
      if scalar.properties.isUppercase || isTitle(scalar) { return false }
      if scalar.properties.isLowercase { found = true }
    }
    return found
  }

  private static func isTitle(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .titlecaseLetter
  }

  static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// `str.isdecimal` of one character.
  static func isDecimal(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .decimalNumber
  }

  /// `str.isdigit` of one character: also superscripts and the like.
  static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
  }

  static func isNumeric(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType != nil }

  /// `\w` of Python's regular expressions.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || isLetter(scalar) || isNumeric(scalar)
  }
}
