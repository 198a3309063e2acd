extension Jinja.Parser {
  mutating func parseExpression(withConditional: Bool = true) throws(TemplateError)
    -> Jinja.Expression
  {
    try enter()
    defer { leave() }
    return withConditional ? try parseConditional() : try parseLogical(level: 0)
  }

  /// One expression, or several with commas between them as a tuple.
  /// - Parameter simple: Only what may be assigned to, and literals.
  mutating func parseTuple(
    simple: Bool = false, withConditional: Bool = true, endsAtIn: Bool = false,
    endsAtRecursive: Bool = false, inParentheses: Bool = false, withAttributes: Bool = false
  ) throws(TemplateError) -> Jinja.Expression {
    let line = self.line
    var items: [Jinja.Expression] = []
    var isTuple = false
    while true {
      if !items.isEmpty { try expect(.comma) }
      if current == .outputEnd || current == .blockEnd || isSymbol(.rightParenthesis) { break }
      if endsAtIn, isName("in") { break }
      if endsAtRecursive, isName("recursive") { break }
      items.append(
        simple
          ? try parsePrimary(withAttributes: withAttributes)
          : try parseExpression(withConditional: withConditional))
      guard isSymbol(.comma) else { break }
      isTuple = true
    }
    if !isTuple {
      if let only = items.first { return only }
      if !inParentheses { throw failure("expected an expression, found \(current)") }
    }
    return try node(.tuple(items), line: line, depth: items.reduce(0) { max($0, $1.depth) })
  }

  private mutating func parseConditional() throws(TemplateError) -> Jinja.Expression {
    let line = self.line
    let start = missing.count
    var value = try parseLogical(level: 0)
    while skip("if") {
      let test = try parseLogical(level: 0)
      var otherwise: Jinja.Expression?
      if skip("else") {
        try enter()
        otherwise = try parseConditional()
        leave()
      }
      missing.removeLast(missing.count - start)
      value = try node(
        .conditional(test: test, then: value, otherwise: otherwise), line: line,
        over: test, value, otherwise)
    }
    return value
  }

  /// `or` at level 0, `and` at level 1, then `not` and comparisons.
  private mutating func parseLogical(level: Int) throws(TemplateError) -> Jinja.Expression {
    guard level < 2 else { return try parseNot() }
    let line = self.line
    var left = try parseLogical(level: level + 1)
    while skip(level == 0 ? "or" : "and") {
      let right = try parseLogical(level: level + 1)
      left = try node(
        level == 0 ? .or(left, right) : .and(left, right), line: line, over: left, right)
    }
    return left
  }

  private mutating func parseNot() throws(TemplateError) -> Jinja.Expression {
    let line = self.line
    var negations = 0
    while skip("not") { negations += 1 }
    var value = try parseComparison()
    for _ in 0..<negations { value = try node(.not(value), line: line, over: value) }
    return value
  }

  private mutating func parseComparison() throws(TemplateError) -> Jinja.Expression {
    let line = self.line
    let first = try parseArithmetic(level: 0)
    var operands: [(Jinja.Comparison, Jinja.Expression)] = []
    var depth = first.depth
    while let comparison = skipComparison() {
      let operand = try parseArithmetic(level: 0)
      depth = max(depth, operand.depth)
      operands.append((comparison, operand))
    }
    if operands.isEmpty { return first }
    return try node(.comparison(first, operands), line: line, depth: depth)
  }

  private mutating func skipComparison() -> Jinja.Comparison? {
    switch current {
    case .symbol(let symbol):
      guard let comparison = Jinja.Comparison(rawValue: symbol.rawValue) else { return nil }
      advance()
      return comparison
    case .name("in"):
      advance()
      return .isIn
    case .name("not"):
      guard next == .name("in") else { return nil }
      advance()
      advance()
      return .isNotIn
    default: return nil
    }
  }

  private static let operators: [[Jinja.Symbol]] = [
    [.plus, .minus], [.tilde], [.multiply, .divide, .floorDivide, .modulo], [.power],
  ]

  /// From the loosest operators to the tightest: sums, `~`, products, powers. All associate to the
  /// left, as in Jinja.
  private mutating func parseArithmetic(level: Int) throws(TemplateError) -> Jinja.Expression {
    guard level < Self.operators.count else { return try parseUnary() }
    let line = self.line
    var left = try parseArithmetic(level: level + 1)
    if level == 1 { return try parseConcatenation(first: left, line: line) }
    while case .symbol(let symbol) = current, Self.operators[level].contains(symbol),
      let operation = Jinja.Arithmetic(rawValue: symbol.rawValue)
    {
      advance()
      let right = try parseArithmetic(level: level + 1)
      left = try node(.arithmetic(operation, left, right), line: line, over: left, right)
    }
    return left
  }

  private mutating func parseConcatenation(
    first: Jinja.Expression, line: Int
  ) throws(TemplateError) -> Jinja.Expression {
    guard isSymbol(.tilde) else { return first }
    var parts = [first]
    while skip(.tilde) { parts.append(try parseArithmetic(level: 2)) }
    return try node(
      .concatenation(parts), line: line, depth: parts.reduce(0) { max($0, $1.depth) })
  }

  private mutating func parseUnary(withFilters: Bool = true) throws(TemplateError)
    -> Jinja.Expression
  {
    let line = self.line
    var value: Jinja.Expression
    if isSymbol(.minus) || isSymbol(.plus) {
      let isMinus = isSymbol(.minus)
      advance()
      try enter()
      value = try parseUnary(withFilters: false)
      leave()
      value = try node(isMinus ? .negative(value) : .positive(value), line: line, over: value)
    } else {
      value = try parsePrimary()
    }
    value = try parsePostfix(value)
    return withFilters ? try parseFiltersAndTests(value) : value
  }

  mutating func parsePrimary(withAttributes: Bool = false) throws(TemplateError) -> Jinja.Expression
  {
    let line = self.line
    switch current {
    case .name(let name):
      advance()
      return try parseName(name, line: line, withAttributes: withAttributes)
    case .string(var text):
      advance()
      while case .string(let more) = current {
        text += more
        advance()
      }
      return try node(.constant(.string(text)), line: line)
    case .integer(let value):
      advance()
      return try node(.constant(.int(value)), line: line)
    case .float(let value):
      advance()
      return try node(.constant(.float(value)), line: line)
    case .symbol(.leftParenthesis):
      advance()
      let value = try parseTuple(inParentheses: true)
      try expect(.rightParenthesis)
      return value
    case .symbol(.leftBracket): return try parseList()
    case .symbol(.leftBrace): return try parseDictionary()
    default: throw failure("unexpected \(current)")
    }
  }

  private mutating func parseName(
    _ name: String, line: Int, withAttributes: Bool
  ) throws(TemplateError) -> Jinja.Expression {
    switch name {
    case "true", "True": return try node(.constant(.bool(true)), line: line)
    case "false", "False": return try node(.constant(.bool(false)), line: line)
    case "none", "None": return try node(.constant(.none), line: line)
    default: break
    }
    if withAttributes {
      let base = try node(.name(name), line: line)
      guard skip(.dot) else { return base }
      return try node(.attribute(base, try expectName()), line: line, over: base)
    }
    for index in specials.indices { specials[index].note(name) }
    return try node(.name(name), line: line)
  }

  private mutating func parseList() throws(TemplateError) -> Jinja.Expression {
    let line = self.line
    try expect(.leftBracket)
    var items: [Jinja.Expression] = []
    while !isSymbol(.rightBracket) {
      if !items.isEmpty { try expect(.comma) }
      if isSymbol(.rightBracket) { break }
      items.append(try parseExpression())
    }
    advance()
    return try node(.list(items), line: line, depth: items.reduce(0) { max($0, $1.depth) })
  }

  private mutating func parseDictionary() throws(TemplateError) -> Jinja.Expression {
    let line = self.line
    try expect(.leftBrace)
    var pairs: [(key: Jinja.Expression, value: Jinja.Expression)] = []
    while !isSymbol(.rightBrace) {
      if !pairs.isEmpty { try expect(.comma) }
      if isSymbol(.rightBrace) { break }
      let key = try parseExpression()
      try expect(.colon)
      pairs.append((key, try parseExpression()))
    }
    advance()
    return try node(
      .dictionary(pairs), line: line,
      depth: pairs.reduce(0) { max($0, $1.key.depth, $1.value.depth) })
  }
}
