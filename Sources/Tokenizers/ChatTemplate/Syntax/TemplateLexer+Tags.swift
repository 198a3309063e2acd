extension Jinja.Lexer {
  /// Reads the tokens of one tag, its end included.
  mutating func readTag(isOutput: Bool) throws(TemplateError) {
    var brackets: [Jinja.Symbol] = []
    while position < source.count {
      if brackets.isEmpty, closeTag(isOutput: isOutput) { return }
      let scalar = source[position]
      if Jinja.Text.isSpace(scalar) {
        skipWhitespace()
      } else if isDigit(scalar) {
        try readNumber()
      } else if isNameScalar(scalar) {
        try readName()
      } else if scalar == "'" || scalar == "\"" {
        try readString(quote: scalar)
      } else {
        try readSymbol(&brackets)
      }
    }
    throw TemplateError(
      .syntax, "the template ends inside a tag; '\(isOutput ? "}}" : "%}")' is missing", line: line)
  }

  private mutating func closeTag(isOutput: Bool) -> Bool {
    if isOutput {
      if isAt("-}}", position) {
        append(.outputEnd)
        advance(to: position + 3)
        skipWhitespace()
        return true
      }
      guard isAt("}}", position) else { return false }
      append(.outputEnd)
      advance(to: position + 2)
      return true
    }
    guard isAt("%}", position) || isAt("-%}", position) || isAt("+%}", position) else {
      return false
    }
    append(.blockEnd)
    closeBlock(at: position)
    return true
  }

  private func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return scalar >= "0" && scalar <= "9"
  }

  private func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || isDigit(scalar) || (scalar >= "a" && scalar <= "z")
      || (scalar >= "A" && scalar <= "Z")
  }

  private mutating func readName() throws(TemplateError) {
    var end = position
    while let scalar = self[end], isNameScalar(scalar) { end += 1 }
    guard end - position <= Jinja.maximumName else {
      throw TemplateError(
        .limit, "a name of more than \(Jinja.maximumName) letters", line: line)
    }
    append(.name(string(position..<end)))
    position = end
  }

  /// The end of a run of digits of `radix`, single underscores between them allowed.
  private func endOfDigits(_ start: Int, radix: Int = 10) -> Int {
    var end = start
    while let scalar = self[end] {
      if scalar.isASCII, Character(scalar).hexDigitValue.map({ $0 < radix }) == true {
        end += 1
      } else if scalar == "_", end > start, source[end - 1] != "_", let next = self[end + 1],
        next.isASCII, Character(next).hexDigitValue.map({ $0 < radix }) == true
      {
        end += 1
      } else {
        break
      }
    }
    return end
  }

  private mutating func readNumber() throws(TemplateError) {
    if let end = endOfFloat() {
      let text = string(position..<end).filter { $0 != "_" }
      append(.float(Double(text) ?? 0))
      position = end
      return
    }
    var end: Int
    var radix = 10
    var digits = position
    if source[position] == "0" {
      let radices: [Unicode.Scalar: Int] = ["b": 2, "B": 2, "o": 8, "O": 8, "x": 16, "X": 16]
      if let letter = self[position + 1], let other = radices[letter] {
        let start = position + 2 + (self[position + 2] == "_" ? 1 : 0)
        end = endOfDigits(start, radix: other)
        if end > start {
          radix = other
          digits = start
        } else {
          end = position + 1
        }
      } else {
        end = endOfDigits(position, radix: 1)
      }
    } else {
      end = endOfDigits(position)
    }
    let text = string(digits..<end).filter { $0 != "_" }
    guard let value = Int(text, radix: radix) else {
      throw TemplateError(
        .unsupported, "the integer \(text) does not fit in 64 bits", line: line)
    }
    append(.integer(value))
    position = end
  }

  /// The end of a number with a fraction or an exponent, if one starts here.
  private func endOfFloat() -> Int? {
    if position > 0, source[position - 1] == "." { return nil }
    var end = endOfDigits(position)
    var isFloat = false
    if self[end] == ".", isDigit(self[end + 1]) {
      end = endOfDigits(end + 1)
      isFloat = true
    }
    if self[end] == "e" || self[end] == "E" {
      let digits = end + 1 + (sign(at: end + 1) == nil ? 0 : 1)
      if isDigit(self[digits]) { return endOfDigits(digits) }
    }
    return isFloat ? end : nil
  }

  private mutating func readSymbol(_ brackets: inout [Jinja.Symbol]) throws(TemplateError) {
    let scalar = source[position]
    var symbol: Jinja.Symbol?
    var length = 2
    if let next = self[position + 1] {
      symbol = Jinja.Symbol(rawValue: String(scalar) + String(next))
    }
    if symbol == nil {
      symbol = Jinja.Symbol(rawValue: String(scalar))
      length = 1
    }
    guard let symbol else {
      let isLetter = scalar.properties.isXIDContinue
      throw TemplateError(
        isLetter ? .unsupported : .syntax,
        isLetter
          ? "names with letters outside ASCII are not supported ('\(scalar)')"
          : "unexpected character '\(scalar)'", line: line)
    }
    switch symbol {
    case .leftBrace: brackets.append(.rightBrace)
    case .leftBracket: brackets.append(.rightBracket)
    case .leftParenthesis: brackets.append(.rightParenthesis)
    case .rightBrace, .rightBracket, .rightParenthesis:
      guard brackets.popLast() == symbol else {
        throw TemplateError(.syntax, "unexpected '\(symbol.rawValue)'", line: line)
      }
    default: break
    }
    append(.symbol(symbol))
    position += length
  }

  private mutating func readString(quote: Unicode.Scalar) throws(TemplateError) {
    let start = position + 1
    var end = start
    while let scalar = self[end], scalar != quote { end += scalar == "\\" ? 2 : 1 }
    guard end < source.count else {
      throw TemplateError(.syntax, "a string without its end \(quote)", line: line)
    }
    append(.string(try unescape(source[start..<end])))
    advance(to: end + 1)
  }
}
