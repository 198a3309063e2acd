extension Jinja {
  /// One token of a template, and the line it stands on.
  struct Token {
    var kind: Kind
    var line: Int

    enum Kind: Equatable {
      case text(String)
      case outputBegin
      case outputEnd
      case blockBegin
      case blockEnd
      case name(String)
      case string(String)
      case integer(Int)
      case float(Double)
      case symbol(Symbol)
      case end
    }
  }

  /// The operators and brackets inside tags.
  enum Symbol: String {
    case plus = "+"
    case minus = "-"
    case divide = "/"
    case floorDivide = "//"
    case multiply = "*"
    case modulo = "%"
    case power = "**"
    case tilde = "~"
    case leftBracket = "["
    case rightBracket = "]"
    case leftParenthesis = "("
    case rightParenthesis = ")"
    case leftBrace = "{"
    case rightBrace = "}"
    case equal = "=="
    case notEqual = "!="
    case greater = ">"
    case greaterOrEqual = ">="
    case less = "<"
    case lessOrEqual = "<="
    case assign = "="
    case dot = "."
    case colon = ":"
    case pipe = "|"
    case comma = ","
    case semicolon = ";"
  }
}

extension Jinja.Token.Kind: CustomStringConvertible {
  /// The token as an error names it.
  var description: String {
    switch self {
    case .text: "text"
    case .outputBegin: "'{{'"
    case .outputEnd: "'}}'"
    case .blockBegin: "'{%'"
    case .blockEnd: "'%}'"
    case .name(let name): "'\(name)'"
    case .string: "a string"
    case .integer(let value): "\(value)"
    case .float(let value): "\(value)"
    case .symbol(let symbol): "'\(symbol.rawValue)'"
    case .end: "the end of the template"
    }
  }
}
