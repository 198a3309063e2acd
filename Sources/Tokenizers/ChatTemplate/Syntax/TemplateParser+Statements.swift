extension Jinja.Parser {
  /// One statement, from its name to before the `%}` that ends it.
  mutating func parseStatement() throws(TemplateError) -> [Jinja.Statement] {
    let line = self.line
    guard case .name(let name) = current else {
      throw failure("expected the name of a tag, found \(current)")
    }
    func statement(_ kind: Jinja.Statement.Kind) -> [Jinja.Statement] {
      [Jinja.Statement(kind: kind, line: line)]
    }
    switch name {
    case "if": return statement(try parseIf())
    case "for": return statement(try parseFor())
    case "set": return statement(try parseSet())
    case "macro": return statement(try parseMacro())
    case "call": return statement(try parseCallBlock())
    case "with": return statement(try parseWith())
    case "print": return try parsePrint()
    case "filter":
      advance()
      let filter = try parseFilters(of: nil, startsInline: true)
      let body = try parseCertainBlock(until: "endfilter")
      advance()
      return statement(.filterBlock(filter, body))
    case "generation":
      advance()
      let body = try inFunction { (parser) throws(TemplateError) in
        try parser.parseCertainBlock(until: "endgeneration")
      }
      advance()
      return statement(.scope(body))
    case "break", "continue":
      guard loops > 0 else { throw failure("'\(name)' outside a loop") }
      advance()
      return statement(name == "break" ? .breakLoop : .continueLoop)
    case "block", "extends", "include", "import", "from", "autoescape":
      throw failure("the tag '\(name)' is not supported", .unsupported)
    default:
      throw failure("unknown tag '\(name)'")
    }
  }

  private mutating func parseIf() throws(TemplateError) -> Jinja.Statement.Kind {
    let start = missing.count
    var branches: [Jinja.Branch] = []
    var otherwise: [Jinja.Statement] = []
    advance()
    while true {
      let test = try parseTuple(withConditional: false)
      let body = try parseBlock(until: "elif", "else", "endif")
      branches.append(Jinja.Branch(test: test, body: body))
      if skip("elif") { continue }
      if skip("else") { otherwise = try parseBlock(until: "endif") }
      break
    }
    try expect(.name("endif"))
    missing.removeLast(missing.count - start)
    return .conditional(branches: branches, otherwise: otherwise)
  }

  private mutating func parseFor() throws(TemplateError) -> Jinja.Statement.Kind {
    advance()
    enclosingLoops += 1
    let target = try parseTarget(endsAtIn: true)
    enclosingLoops -= 1
    if names(in: target).contains("loop") { throw failure("'loop' cannot be assigned in a loop") }
    try expect(.name("in"))
    let iterable = try parseTuple(withConditional: false, endsAtRecursive: true)
    var filter: Jinja.Expression?
    if skip("if") {
      let start = missing.count
      filter = try parseExpression()
      try refuseMissing(since: start)
    }
    if isName("recursive") { throw failure("recursive loops are not supported", .unsupported) }
    loops += 1
    enclosingLoops += 1
    let body = try parseCertainBlock(until: "endfor", "else")
    loops -= 1
    var otherwise: [Jinja.Statement] = []
    if skip("else") { otherwise = try parseCertainBlock(until: "endfor") }
    enclosingLoops -= 1
    try expect(.name("endfor"))
    return .loop(
      Jinja.Loop(target, in: iterable, if: filter, body: body, otherwise: otherwise))
  }

  private mutating func parseSet() throws(TemplateError) -> Jinja.Statement.Kind {
    advance()
    let target = try parseTarget(withAttributes: true)
    if skip(.assign) { return .set(target, try parseTuple()) }
    let filter = isSymbol(.pipe) ? try parseFilters(of: nil, startsInline: false) : nil
    let body = try parseCertainBlock(until: "endset")
    advance()
    return .setBlock(target, filter: filter, body)
  }

  private mutating func parseWith() throws(TemplateError) -> Jinja.Statement.Kind {
    advance()
    var targets: [(target: Jinja.Target, value: Jinja.Expression)] = []
    while current != .blockEnd, !isSymbol(.colon) {
      if !targets.isEmpty { try expect(.comma) }
      let target = try parseTarget()
      try expect(.assign)
      targets.append((target, try parseExpression()))
    }
    let body = try parseCertainBlock(until: "endwith")
    advance()
    return .with(targets, body)
  }

  private mutating func parsePrint() throws(TemplateError) -> [Jinja.Statement] {
    advance()
    var outputs: [Jinja.Statement] = []
    while current != .blockEnd {
      if !outputs.isEmpty { try expect(.comma) }
      let line = self.line
      outputs.append(Jinja.Statement(kind: .output(try parseExpression()), line: line))
    }
    return outputs
  }

  // MARK: Macros

  private mutating func parseMacro() throws(TemplateError) -> Jinja.Statement.Kind {
    advance()
    let name = try expectName()
    noteAssignment(name)
    try refuseConstantName(name)
    let parameters = try parseSignature()
    let (body, specials) = try parseMacroBody(parameters, until: "endmacro")
    return .macro(Jinja.Macro(name, parameters, body: body, specials: specials))
  }

  private mutating func parseCallBlock() throws(TemplateError) -> Jinja.Statement.Kind {
    advance()
    let parameters = isSymbol(.leftParenthesis) ? try parseSignature() : []
    let call = try parseExpression()
    guard case .call = call.kind else { throw failure("a call block needs a call") }
    let (body, specials) = try parseMacroBody(parameters, until: "endcall")
    return .callBlock(call, Jinja.Macro("caller", parameters, body: body, specials: specials))
  }

  private mutating func parseSignature() throws(TemplateError) -> [Jinja.Parameter] {
    try expect(.leftParenthesis)
    var parameters: [Jinja.Parameter] = []
    var names: Set<String> = []
    while !isSymbol(.rightParenthesis) {
      if !parameters.isEmpty { try expect(.comma) }
      let name = try expectName()
      try refuseConstantName(name)
      guard names.insert(name).inserted else {
        throw failure("the parameter '\(name)' is there twice")
      }
      for index in specials.indices { specials[index].hide(name) }
      if skip(.assign) {
        parameters.append(Jinja.Parameter(name: name, fallback: try parseExpression()))
      } else if let last = parameters.last, last.fallback != nil {
        throw failure("the parameter '\(name)' without a default follows one with a default")
      } else {
        parameters.append(Jinja.Parameter(name: name, fallback: nil))
      }
    }
    advance()
    return parameters
  }

  private mutating func parseMacroBody(
    _ parameters: [Jinja.Parameter], until end: String
  ) throws(TemplateError) -> ([Jinja.Statement], Set<String>) {
    specials.append(SpecialNames())
    let body = try inFunction { (parser) throws(TemplateError) in
      try parser.parseCertainBlock(until: end)
    }
    advance()
    var read = specials.removeLast().read
    if read.contains("caller"), let caller = parameters.first(where: { $0.name == "caller" }),
      caller.fallback == nil
    {
      throw failure("the parameter 'caller' needs a default")
    }
    for parameter in parameters { read.remove(parameter.name) }
    return (body, read)
  }

  /// Reads a body that becomes a function of its own, so that `break` in it does not see the loops
  /// around.
  private mutating func inFunction(
    _ parse: (inout Jinja.Parser) throws(TemplateError) -> [Jinja.Statement]
  ) throws(TemplateError) -> [Jinja.Statement] {
    let outer = loops
    loops = 0
    defer { loops = outer }
    return try parse(&self)
  }

  // MARK: Targets

  private mutating func parseTarget(
    withAttributes: Bool = false, endsAtIn: Bool = false
  ) throws(TemplateError) -> Jinja.Target {
    let expression = try parseTuple(
      simple: true, endsAtIn: endsAtIn, withAttributes: withAttributes)
    let target = try target(expression)
    for name in names(in: target) { noteAssignment(name) }
    if enclosingLoops > 0, names(in: target).contains("loop") {
      throw failure("'loop' cannot be assigned in a loop")
    }
    return target
  }

  private func target(_ expression: Jinja.Expression) throws(TemplateError) -> Jinja.Target {
    switch expression.kind {
    case .name(let name): return .name(name)
    case .attribute(let base, let attribute):
      if case .name(let name) = base.kind { return .attribute(of: name, attribute) }
    case .tuple(let items):
      var targets: [Jinja.Target] = []
      for item in items { targets.append(try target(item)) }
      return .tuple(targets)
    default: break
    }
    throw TemplateError(.syntax, "this cannot be assigned to", line: expression.line)
  }

  private func names(in target: Jinja.Target) -> [String] {
    switch target {
    case .name(let name): [name]
    case .attribute: []
    case .tuple(let targets): targets.flatMap { names(in: $0) }
    }
  }

  private mutating func noteAssignment(_ name: String) {
    for index in specials.indices { specials[index].hide(name) }
  }

  private func refuseConstantName(_ name: String) throws(TemplateError) {
    if ["true", "false", "none", "True", "False", "None"].contains(name) {
      throw failure("'\(name)' cannot be assigned to")
    }
  }
}

extension Jinja.Parser.SpecialNames {
  mutating func hide(_ name: String) {
    if !read.contains(name) { hidden.insert(name) }
  }

  mutating func note(_ name: String) {
    if !hidden.contains(name), ["caller", "kwargs", "varargs"].contains(name) { read.insert(name) }
  }
}
