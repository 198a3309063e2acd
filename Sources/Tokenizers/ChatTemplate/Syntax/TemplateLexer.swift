extension Jinja {
  /// Makes tokens of a template's text.
  ///
  /// `trim_blocks`: the newline after a block or a comment belongs to it. `lstrip_blocks`: so do
  /// the blanks before one at the start of
  /// a line. A `-` at either side takes all whitespace there, a `+` none.
  struct Lexer {
    let source: [Unicode.Scalar]
    var position = 0
    var line = 1
    var tokens: [Token] = []

    /// Newlines are told as `\n`, and one at the end of the template is left out.
    init(_ text: String) {
      var scalars: [Unicode.Scalar] = []
      scalars.reserveCapacity(text.utf8.count)
      var afterReturn = false
      for scalar in text.unicodeScalars {
        if scalar == "\r" {
          scalars.append("\n")
        } else if !(scalar == "\n" && afterReturn) {
          scalars.append(scalar)
        }
        afterReturn = scalar == "\r"
      }
      if scalars.last == "\n" { scalars.removeLast() }
      source = scalars
    }

    static func tokens(of text: String) throws(TemplateError) -> [Token] {
      var lexer = Lexer(text)
      try lexer.run()
      return lexer.tokens
    }

    private mutating func run() throws(TemplateError) {
      while let start = nextTag() {
        let sign = self.sign(at: start + 2)
        emitText(upTo: start, sign: sign, isOutput: source[start + 1] == "{")
        switch source[start + 1] {
        case "#":
          position = start + 2 + (sign == nil ? 0 : 1)
          try skipComment()
        case "{":
          advance(to: start + 2 + (sign == nil ? 0 : 1))
          append(.outputBegin)
          try readTag(isOutput: true)
        default:
          if let body = endOfRawTag(start) {
            advance(to: body)
            try readRaw()
          } else {
            advance(to: start + 2 + (sign == nil ? 0 : 1))
            append(.blockBegin)
            try readTag(isOutput: false)
          }
        }
      }
      if position < source.count { append(.text(string(position..<source.count))) }
      advance(to: source.count)
      append(.end)
    }

    /// Where the next `{{`, `{%` or `{#` starts.
    private func nextTag() -> Int? {
      var at = position
      while source.count - at >= 2 {
        if source[at] == "{",
          source[at + 1] == "{" || source[at + 1] == "%" || source[at + 1] == "#"
        {
          return at
        }
        at += 1
      }
      return nil
    }

    func sign(at index: Int) -> Unicode.Scalar? {
      guard let scalar = self[index], scalar == "-" || scalar == "+" else { return nil }
      return scalar
    }

    subscript(index: Int) -> Unicode.Scalar? { index < source.count ? source[index] : nil }

    func string(_ range: Range<Int>) -> String {
      var text = String.UnicodeScalarView()
      text.append(contentsOf: source[range])
      return String(text)
    }

    mutating func append(_ kind: Token.Kind) { tokens.append(Token(kind: kind, line: line)) }

    /// Moves on, counting the lines that are passed.
    mutating func advance(to end: Int) {
      while position < end {
        if source[position] == "\n" { line += 1 }
        position += 1
      }
    }

    mutating func skipWhitespace() {
      var end = position
      while let scalar = self[end], Text.isSpace(scalar) { end += 1 }
      advance(to: end)
    }

    func isAt(_ text: StaticString, _ index: Int) -> Bool {
      var at = index
      for scalar in text.description.unicodeScalars {
        guard self[at] == scalar else { return false }
        at += 1
      }
      return true
    }

    /// Emits the text before a tag, less the whitespace that the tag takes.
    private mutating func emitText(upTo tag: Int, sign: Unicode.Scalar?, isOutput: Bool) {
      var end = tag
      if sign == "-" {
        while end > position, Text.isSpace(source[end - 1]) { end -= 1 }
      } else if sign == nil, !isOutput {
        var blank = tag
        while blank > position, source[blank - 1] != "\n", Text.isSpace(source[blank - 1]) {
          blank -= 1
        }
        // At the start of a line: nothing stands before, or a newline that may belong to the tag
        // before.
        if blank == 0 || source[blank - 1] == "\n" { end = blank }
      }
      if end > position { append(.text(string(position..<end))) }
      advance(to: tag)
    }

    private mutating func skipComment() throws(TemplateError) {
      var at = position
      while at < source.count {
        if isAt("-#}", at) {
          advance(to: at + 3)
          return skipWhitespace()
        }
        if isAt("+#}", at) { return advance(to: at + 3) }
        if isAt("#}", at) { return advance(to: at + (self[at + 2] == "\n" ? 3 : 2)) }
        at += 1
      }
      throw TemplateError(.syntax, "a comment without its end '#}'", line: line)
    }

    /// Where the text of a raw block starts, if the tag at `start` opens one.
    private func endOfRawTag(_ start: Int) -> Int? {
      guard var at = keyword("raw", after: start) else { return nil }
      if isAt("%}", at) { return at + 2 }
      guard isAt("-%}", at) else { return nil }
      at += 3
      while let scalar = self[at], Text.isSpace(scalar) { at += 1 }
      return at
    }

    /// Where the tag at `start` goes on after `word` and whitespace, if that is what it holds.
    private func keyword(_ word: StaticString, after start: Int) -> Int? {
      var at = start + 2
      if sign(at: at) != nil { at += 1 }
      while let scalar = self[at], Text.isSpace(scalar) { at += 1 }
      guard isAt(word, at) else { return nil }
      at += word.utf8CodeUnitCount
      while let scalar = self[at], Text.isSpace(scalar) { at += 1 }
      return at
    }

    private mutating func readRaw() throws(TemplateError) {
      var at = position
      while at < source.count {
        defer { at += 1 }
        guard isAt("{%", at), let end = keyword("endraw", after: at) else { continue }
        let closing = isAt("-%}", end) ? 3 : isAt("+%}", end) ? 3 : isAt("%}", end) ? 2 : 0
        guard closing > 0 else { continue }
        emitText(upTo: at, sign: sign(at: at + 2), isOutput: false)
        return closeBlock(at: end)
      }
      throw TemplateError(.syntax, "a raw block without its end '{% endraw %}'", line: line)
    }

    /// Passes `%}`, `-%}` or `+%}` and the whitespace that it takes.
    mutating func closeBlock(at end: Int) {
      if source[end] == "-" {
        advance(to: end + 3)
        skipWhitespace()
      } else if source[end] == "+" {
        advance(to: end + 3)
      } else {
        advance(to: end + (self[end + 2] == "\n" ? 3 : 2))
      }
    }
  }
}
