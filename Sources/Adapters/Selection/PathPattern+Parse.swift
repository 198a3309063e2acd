extension PathPattern {
  /// Reads `source` as Python's `re` does.
  /// - Throws: `AdapterError` naming what is wrong, or not supported, and where.
  package init(_ source: String) throws(AdapterError) {
    guard source.unicodeScalars.count <= PathPattern.longestSource else {
      throw AdapterError(
        .badPattern, "a pattern of \(source.unicodeScalars.count) characters is too long")
    }
    var parser = Parser(source)
    self.source = source
    root = try parser.parse()
  }
}

extension PathPattern {
  struct Parser {
    let source: String
    let scalars: [Unicode.Scalar]
    var position = 0
    var ignoresCase = false
    var dotMatchesNewline = false
    var depth = 0

    init(_ source: String) {
      self.source = source
      scalars = Array(source.unicodeScalars)
    }

    mutating func parse() throws(AdapterError) -> Node {
      let node = try alternatives()
      guard position == scalars.count else { throw failure("unbalanced parenthesis") }
      return node
    }

    func failure(_ reason: String, at place: Int? = nil) -> AdapterError {
      AdapterError(
        .badPattern,
        "the pattern '\(shortened(source))' is not valid: \(reason) at character \(place ?? position)"
      )
    }

    func unsupported(_ what: String) -> AdapterError {
      AdapterError(
        .badPattern,
        "the pattern '\(shortened(source))' uses \(what), which is not supported, at character \(position)"
      )
    }

    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    mutating func take() -> Unicode.Scalar? {
      guard position < scalars.count else { return nil }
      position += 1
      return scalars[position - 1]
    }

    mutating func take(_ wanted: Unicode.Scalar) -> Bool {
      guard next == wanted else { return false }
      position += 1
      return true
    }

    mutating func alternatives() throws(AdapterError) -> Node {
      var choices = [try sequence()]
      while take("|") { choices.append(try sequence()) }
      return choices.count == 1 ? choices[0] : .alternatives(choices)
    }

    mutating func sequence() throws(AdapterError) -> Node {
      var parts: [Node] = []
      while let scalar = next, scalar != "|", scalar != ")" {
        let start = position
        guard let part = try item() else { continue }  // a comment
        parts.append(try quantified(part, startingAt: start))
      }
      return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// One character, class, anchor or group; nil for what matches nothing at all, a comment.
    mutating func item() throws(AdapterError) -> Node? {
      guard let scalar = take() else { return nil }
      switch scalar {
      case ".": return .scalar(.any(matchesNewline: dotMatchesNewline))
      case "^": return .anchor(.start)
      case "$": return .anchor(.end)
      case "[": return .scalar(try characterClass())
      case "(": return try group()
      case "\\": return try escape()
      case "*", "+", "?": throw failure("nothing to repeat", at: position - 1)
      case "{":
        position -= 1
        if try quantifier() != nil { throw failure("nothing to repeat") }
        position += 1
        return literal("{")
      default: return literal(scalar)
      }
    }

    func literal(_ scalar: Unicode.Scalar) -> Node {
      .scalar(.only(scalar, ignoresCase: ignoresCase))
    }

    /// `part` with the quantifier that follows it, if one does.
    private mutating func quantified(
      _ part: Node, startingAt start: Int
    ) throws(AdapterError) -> Node {
      guard let (atLeast, atMost) = try quantifier() else { return part }
      if case .anchor = part { throw failure("nothing to repeat", at: start) }
      if take("+") { throw unsupported("a possessive quantifier") }
      _ = take("?")  // lazy or greedy: the same paths match
      let after = position
      if try quantifier() != nil { throw failure("multiple repeat", at: after) }
      return .repeated(part, atLeast: atLeast, atMost: atMost)
    }

    /// `*`, `+`, `?` or `{m,n}`; nil, with nothing taken, where none stands here.
    mutating func quantifier() throws(AdapterError) -> (Int, Int?)? {
      let start = position
      if take("*") { return (0, nil) }
      if take("+") { return (1, nil) }
      if take("?") { return (0, 1) }
      guard take("{"), next != "}" else {
        position = start
        return nil
      }
      let low = try number()
      let high = take(",") ? try number() : low
      guard take("}") else {
        position = start  // Python reads such a brace as itself
        return nil
      }
      if let low, let high, high < low {
        throw failure("min repeat greater than max repeat", at: start)
      }
      return (low ?? 0, high)
    }

    private mutating func number() throws(AdapterError) -> Int? {
      var value: Int?
      while let digit = next, ("0"..."9").contains(digit) {
        position += 1
        value = (value ?? 0) * 10 + Int(digit.value - 48)
        guard (value ?? 0) <= 65_535 else { throw failure("a repeat count over 65535") }
      }
      return value
    }
  }
}
