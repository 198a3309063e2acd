extension Jinja {
  /// Makes statements of tokens, by recursive descent of bounded depth.
  struct Parser {
    let tokens: [Token]
    var position = 0
    /// How many statements and brackets are open.
    var nesting = 0
    /// How many loops are open in the macro being read: `break` needs one.
    var loops = 0
    /// How many loops are open at all: `loop` may not be assigned in one.
    var enclosingLoops = 0
    /// Filters and tests that do not exist, of code that is certain to be compiled by Jinja; the
    /// first is the error.
    var missing: [TemplateError] = []
    /// For each open macro, which special names its body has read, and which it has set before.
    var specials: [SpecialNames] = []

    struct SpecialNames {
      var read: Set<String> = []
      var hidden: Set<String> = []
    }

    static func statements(of source: String) throws(TemplateError) -> [Statement] {
      var parser = Parser(tokens: try Lexer.tokens(of: source))
      let body = try parser.parseBody(until: [])
      try parser.refuseMissing(since: 0)
      return body
    }

    init(tokens: [Token]) { self.tokens = tokens }
  }
}

extension Jinja.Parser {
  var current: Jinja.Token.Kind { tokens[position].kind }
  var line: Int { tokens[position].line }

  /// The token after the current one.
  var next: Jinja.Token.Kind {
    position + 1 < tokens.count ? tokens[position + 1].kind : .end
  }

  mutating func advance() {
    if position < tokens.count - 1 { position += 1 }
  }

  func failure(_ message: String, _ code: TemplateError.Code = .syntax) -> TemplateError {
    TemplateError(code, message, line: line)
  }

  func isName(_ name: String) -> Bool { current == .name(name) }
  func isSymbol(_ symbol: Jinja.Symbol) -> Bool { current == .symbol(symbol) }

  mutating func skip(_ name: String) -> Bool {
    guard isName(name) else { return false }
    advance()
    return true
  }

  mutating func skip(_ symbol: Jinja.Symbol) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: Jinja.Token.Kind) throws(TemplateError) {
    guard current == kind else {
      throw failure("expected \(kind), found \(current)")
    }
    advance()
  }

  mutating func expect(_ symbol: Jinja.Symbol) throws(TemplateError) { try expect(.symbol(symbol)) }

  mutating func expectName() throws(TemplateError) -> String {
    guard case .name(let name) = current else { throw failure("expected a name, found \(current)") }
    advance()
    return name
  }

  /// Counts one level of nesting and refuses what would overflow the stack.
  mutating func enter() throws(TemplateError) {
    nesting += 1
    guard nesting <= Jinja.maximumNesting else {
      throw failure("nested deeper than \(Jinja.maximumNesting) levels", .limit)
    }
  }

  mutating func leave() { nesting -= 1 }

  func node(
    _ kind: Jinja.Expression.Kind, line: Int, over children: Jinja.Expression?...
  ) throws(TemplateError) -> Jinja.Expression {
    try node(kind, line: line, depth: children.reduce(0) { max($0, $1?.depth ?? 0) })
  }

  func node(
    _ kind: Jinja.Expression.Kind, line: Int, depth: Int
  ) throws(TemplateError) -> Jinja.Expression {
    guard depth < Jinja.maximumHeight else {
      throw failure("an expression of more than \(Jinja.maximumHeight) levels", .limit)
    }
    return Jinja.Expression(kind, line: line, depth: depth + 1)
  }

  /// Jinja looks up filters when it compiles, except in branches that may not run; there it does so
  /// when they run.
  func refuseMissing(since start: Int) throws(TemplateError) {
    if missing.count > start { throw missing[start] }
  }

  // MARK: Bodies

  /// Statements up to the first tag that is in `ends`, whose name is then the current token; with
  /// no ends, up to the template's.
  mutating func parseBody(until ends: [String]) throws(TemplateError) -> [Jinja.Statement] {
    try enter()
    defer { leave() }
    var body: [Jinja.Statement] = []
    while true {
      let line = self.line
      switch current {
      case .text(let text):
        advance()
        body.append(Jinja.Statement(kind: .text(text), line: line))
      case .outputBegin:
        advance()
        let value = try parseTuple()
        try expect(.outputEnd)
        body.append(Jinja.Statement(kind: .output(value), line: line))
      case .blockBegin:
        advance()
        if case .name(let name) = current, ends.contains(name) { return body }
        body.append(contentsOf: try parseStatement())
        try expect(.blockEnd)
      default:
        guard ends.isEmpty else {
          throw failure("the template ends where '{% \(ends[ends.count - 1]) %}' is missing")
        }
        return body
      }
    }
  }

  /// The body of a tag: the rest of its opening, the statements, and the name that ends them.
  mutating func parseBlock(until ends: String...) throws(TemplateError) -> [Jinja.Statement] {
    _ = skip(.colon)
    try expect(.blockEnd)
    return try parseBody(until: ends)
  }

  /// As `parseBlock`, for code that Jinja compiles as certain to run.
  mutating func parseCertainBlock(until ends: String...) throws(TemplateError) -> [Jinja.Statement]
  {
    let start = missing.count
    _ = skip(.colon)
    try expect(.blockEnd)
    let body = try parseBody(until: ends)
    try refuseMissing(since: start)
    return body
  }
}
