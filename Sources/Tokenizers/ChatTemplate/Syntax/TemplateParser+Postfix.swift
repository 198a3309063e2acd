extension Jinja.Parser {
  /// Attributes, subscripts and calls.
  mutating func parsePostfix(_ base: Jinja.Expression) throws(TemplateError) -> Jinja.Expression {
    var value = base
    while case .symbol(let symbol) = current {
      switch symbol {
      case .dot: value = try parseAttribute(of: value)
      case .leftBracket: value = try parseSubscript(of: value)
      case .leftParenthesis: value = try parseCall(of: value)
      default: return value
      }
    }
    return value
  }

  mutating func parseFiltersAndTests(_ base: Jinja.Expression) throws(TemplateError)
    -> Jinja.Expression
  {
    var value = base
    while true {
      switch current {
      case .symbol(.pipe): value = try parseFilters(of: value, startsInline: false)
      case .name("is"): value = try parseTest(of: value)
      case .symbol(.leftParenthesis): value = try parseCall(of: value)
      default: return value
      }
    }
  }

  private mutating func parseAttribute(of base: Jinja.Expression) throws(TemplateError)
    -> Jinja.Expression
  {
    let line = self.line
    advance()
    switch current {
    case .name(let name):
      advance()
      return try node(.attribute(base, name), line: line, over: base)
    case .integer(let index):
      advance()
      let index = try node(.constant(.int(index)), line: line)
      return try node(.item(base, index), line: line, over: base, index)
    default: throw failure("expected a name or a number after '.', found \(current)")
    }
  }

  private mutating func parseSubscript(of base: Jinja.Expression) throws(TemplateError)
    -> Jinja.Expression
  {
    let line = self.line
    try expect(.leftBracket)
    var indices: [Jinja.Expression] = []
    while !isSymbol(.rightBracket) {
      if !indices.isEmpty { try expect(.comma) }
      var slice = Jinja.Slice()
      if !isSymbol(.colon) {
        let index = try parseExpression()
        guard isSymbol(.colon) else {
          indices.append(index)
          continue
        }
        slice.start = index
      }
      advance()
      slice.stop = try parseSliceBound()
      if skip(.colon) { slice.step = try parseSliceBound() }
      guard indices.isEmpty, isSymbol(.rightBracket) else {
        throw failure("a slice among several indices is not supported", .unsupported)
      }
      advance()
      return try node(
        .slice(base, slice), line: line, over: base, slice.start, slice.stop, slice.step)
    }
    advance()
    if indices.count == 1 {
      return try node(.item(base, indices[0]), line: line, over: base, indices[0])
    }
    let key = try node(
      .tuple(indices), line: line, depth: indices.reduce(0) { max($0, $1.depth) })
    return try node(.item(base, key), line: line, over: base, key)
  }

  private mutating func parseSliceBound() throws(TemplateError) -> Jinja.Expression? {
    if isSymbol(.colon) || isSymbol(.rightBracket) || isSymbol(.comma) { return nil }
    return try parseExpression()
  }

  private mutating func parseCall(of base: Jinja.Expression) throws(TemplateError)
    -> Jinja.Expression
  {
    let line = self.line
    let arguments = try parseArguments()
    return try node(
      .call(base, arguments), line: line, depth: max(base.depth, arguments.depth))
  }

  private mutating func parseArguments() throws(TemplateError) -> Jinja.Arguments {
    try expect(.leftParenthesis)
    var arguments = Jinja.Arguments()
    var names: Set<String> = []
    var isFirst = true
    while !isSymbol(.rightParenthesis) {
      if !isFirst {
        try expect(.comma)
        if isSymbol(.rightParenthesis) { break }
      }
      isFirst = false
      try parseArgument(into: &arguments, &names)
    }
    advance()
    return arguments
  }

  private mutating func parseArgument(
    into arguments: inout Jinja.Arguments, _ names: inout Set<String>
  ) throws(TemplateError) {
    let disorder = failure("arguments in the wrong order")
    if skip(.multiply) {
      guard arguments.spread == nil, arguments.namedSpread == nil else { throw disorder }
      arguments.spread = try parseExpression()
    } else if skip(.power) {
      guard arguments.namedSpread == nil else { throw disorder }
      arguments.namedSpread = try parseExpression()
    } else if case .name(let name) = current, next == .symbol(.assign) {
      guard arguments.namedSpread == nil else { throw disorder }
      guard names.insert(name).inserted else {
        throw failure("the argument '\(name)' is there twice")
      }
      advance()
      advance()
      arguments.named.append((name, try parseExpression()))
    } else {
      guard arguments.spread == nil, arguments.namedSpread == nil, arguments.named.isEmpty else {
        throw disorder
      }
      arguments.positional.append(try parseExpression())
    }
  }

  private mutating func parseDottedName() throws(TemplateError) -> String {
    var name = try expectName()
    while skip(.dot) { name += "." + (try expectName()) }
    return name
  }

  /// A chain of filters. The first may stand without its `|`, as in a filter block.
  mutating func parseFilters(
    of base: Jinja.Expression?, startsInline: Bool
  ) throws(TemplateError) -> Jinja.Expression {
    var value = base
    var isInline = startsInline
    while isInline || isSymbol(.pipe) {
      if !isInline { advance() }
      isInline = false
      let line = self.line
      let name = try parseDottedName()
      if let problem = Jinja.missingFilter(name) {
        missing.append(TemplateError(problem.code, problem.message, line: line))
      }
      let arguments =
        isSymbol(.leftParenthesis) ? try parseArguments() : Jinja.Arguments()
      value = try node(
        .filter(value, name, arguments), line: line, depth: max(value?.depth ?? 0, arguments.depth))
    }
    guard let value else { throw failure("expected a filter, found \(current)") }
    return value
  }

  private mutating func parseTest(of base: Jinja.Expression) throws(TemplateError)
    -> Jinja.Expression
  {
    let line = self.line
    advance()
    let isNegated = skip("not")
    let name = try parseDottedName()
    if let problem = Jinja.missingTest(name) {
      missing.append(TemplateError(problem.code, problem.message, line: line))
    }
    var arguments = Jinja.Arguments()
    switch current {
    case .symbol(.leftParenthesis): arguments = try parseArguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw failure("tests with 'is' cannot be chained")
    case .name, .string, .integer, .float, .symbol(.leftBracket), .symbol(.leftBrace):
      arguments.positional = [try parsePostfix(try parsePrimary())]
    default: break
    }
    let test = try node(
      .test(base, name, arguments), line: line, depth: max(base.depth, arguments.depth))
    return isNegated ? try node(.not(test), line: line, over: test) : test
  }
}
