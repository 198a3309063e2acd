extension PathPattern.Parser {
  /// What follows an opening parenthesis.
  mutating func group() throws(AdapterError) -> PathPattern.Node? {
    let start = position - 1
    depth += 1
    defer { depth -= 1 }
    guard depth <= PathPattern.deepestNesting else {
      throw failure("more than \(PathPattern.deepestNesting) nested groups", at: start)
    }
    guard take("?") else { return try closing(try alternatives(), from: start) }
    switch take() {
    case ":": return try closing(try alternatives(), from: start)
    case "=": return try look(behind: false, negative: false, from: start)
    case "!": return try look(behind: false, negative: true, from: start)
    case "#":
      while let scalar = take() {
        if scalar == ")" { return nil }
      }
      throw failure("missing ), unterminated comment", at: start)
    case "P":
      if take("=") { throw unsupported("a back reference") }
      guard take("<") else { throw failure("unknown extension ?P") }
      return try named(from: start)
    case "<":
      if take("=") { return try look(behind: true, negative: false, from: start) }
      if take("!") { return try look(behind: true, negative: true, from: start) }
      throw failure("unknown extension ?<")
    case ">": throw unsupported("an atomic group")
    case "(": throw unsupported("a conditional group")
    case nil: throw failure("unexpected end of pattern")
    default:
      position -= 1
      return try flags(from: start)
    }
  }

  private mutating func closing(
    _ node: PathPattern.Node, from start: Int
  ) throws(AdapterError) -> PathPattern.Node {
    guard take(")") else { throw failure("missing ), unterminated subpattern", at: start) }
    // Kept apart, so that `(a*)*` is a repeat of a group and no multiple repeat.
    return .sequence([node])
  }

  private mutating func named(from start: Int) throws(AdapterError) -> PathPattern.Node {
    let first = position
    while let scalar = next, scalar != ">" {
      let isDigit = ("0"..."9").contains(scalar)
      guard ScalarClass.isWord(scalar), !(isDigit && position == first) else {
        throw failure("bad character in group name")
      }
      position += 1
    }
    guard position > first, take(">") else { throw failure("missing group name") }
    return try closing(try alternatives(), from: start)
  }

  private mutating func look(
    behind: Bool, negative: Bool, from start: Int
  ) throws(AdapterError) -> PathPattern.Node {
    let inner = try closing(try alternatives(), from: start)
    if behind {
      guard let width = inner.width, width.least == width.most else {
        throw failure("look-behind requires fixed-width pattern", at: start)
      }
    }
    return .look(inner, behind: behind, negative: negative)
  }

  /// `(?i)` at the start of the pattern, or `(?i:...)`.
  private mutating func flags(from start: Int) throws(AdapterError) -> PathPattern.Node? {
    let before = (ignoresCase, dotMatchesNewline)
    var clears = false
    while let scalar = take() {
      switch scalar {
      case "i": ignoresCase = !clears
      case "s": dotMatchesNewline = !clears
      case "a", "u", "m": continue  // no difference for a path of one line
      case "-" where !clears: clears = true
      case ")" where !clears:
        guard start == 0 else {
          throw failure("global flags not at the start of the expression", at: start)
        }
        return nil
      case ":":
        let inner = try closing(try alternatives(), from: start)
        (ignoresCase, dotMatchesNewline) = before
        return inner
      case "x", "L": throw unsupported("the flag '\(scalar)'")
      default: throw failure("unknown extension ?\(scalar)", at: start)
      }
    }
    throw failure("missing )", at: start)
  }
}

extension PathPattern.Node {
  /// The fewest and the most characters a match may take; nil where there is no most.
  var width: (least: Int, most: Int)? {
    switch self {
    case .scalar: return (1, 1)
    case .anchor, .look: return (0, 0)
    case .sequence(let parts):
      var total = (least: 0, most: 0)
      for part in parts {
        guard let width = part.width else { return nil }
        total = (total.least + width.least, total.most + width.most)
      }
      return total.most <= PathPattern.longestSource ? total : nil
    case .alternatives(let choices):
      let widths = choices.compactMap(\.width)
      guard widths.count == choices.count else { return nil }
      return (widths.map(\.least).min() ?? 0, widths.map(\.most).max() ?? 0)
    case .repeated(let part, let atLeast, let atMost):
      guard let atMost, let width = part.width else { return nil }
      let (most, overflows) = width.most.multipliedReportingOverflow(by: atMost)
      return overflows || most > PathPattern.longestSource ? nil : (width.least * atLeast, most)
    }
  }
}
