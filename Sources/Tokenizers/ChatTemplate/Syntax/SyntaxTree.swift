extension Jinja {
  /// An expression of a template. `depth` is the height of the tree below, so that its evaluation
  /// is bounded before it starts.
  final class Expression: Sendable {
    let kind: Kind
    let line: Int
    let depth: Int

    init(_ kind: Kind, line: Int, depth: Int) {
      self.kind = kind
      self.line = line
      self.depth = depth
    }

    enum Kind: Sendable {
      case constant(TemplateValue)
      case name(String)
      case list([Expression])
      case tuple([Expression])
      case dictionary([(key: Expression, value: Expression)])
      case attribute(Expression, String)
      case item(Expression, Expression)
      case slice(Expression, Slice)
      case call(Expression, Arguments)
      /// A filter; without an operand it is applied to the text of the block that it heads.
      case filter(Expression?, String, Arguments)
      case test(Expression, String, Arguments)
      case not(Expression)
      case negative(Expression)
      case positive(Expression)
      case arithmetic(Arithmetic, Expression, Expression)
      case concatenation([Expression])
      case comparison(Expression, [(Comparison, Expression)])
      case and(Expression, Expression)
      case or(Expression, Expression)
      case conditional(test: Expression, then: Expression, otherwise: Expression?)
    }
  }

  enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
  }

  enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case isNotIn = "not in"
  }

  struct Slice: Sendable {
    var start: Expression?
    var stop: Expression?
    var step: Expression?
  }

  struct Arguments: Sendable {
    var positional: [Expression] = []
    var named: [(name: String, value: Expression)] = []
    var spread: Expression?
    var namedSpread: Expression?

    var depth: Int {
      var depth = max(spread?.depth ?? 0, namedSpread?.depth ?? 0)
      for argument in positional { depth = max(depth, argument.depth) }
      for argument in named { depth = max(depth, argument.value.depth) }
      return depth
    }
  }

  /// What may be assigned to.
  indirect enum Target: Sendable {
    case name(String)
    case attribute(of: String, String)
    case tuple([Target])
  }

  struct Statement: Sendable {
    let kind: Kind
    let line: Int

    indirect enum Kind: Sendable {
      case text(String)
      case output(Expression)
      case conditional(branches: [Branch], otherwise: [Statement])
      case loop(Loop)
      case set(Target, Expression)
      case setBlock(Target, filter: Expression?, [Statement])
      case macro(Macro)
      case callBlock(Expression, Macro)
      case filterBlock(Expression, [Statement])
      case with([(target: Target, value: Expression)], [Statement])
      /// The body of `{% generation %}`: rendered as it is, in a scope of its own.
      case scope([Statement])
      case breakLoop
      case continueLoop
    }
  }

  struct Branch: Sendable {
    let test: Expression
    let body: [Statement]
  }

  final class Loop: Sendable {
    let target: Target
    let iterable: Expression
    let filter: Expression?
    let body: [Statement]
    let otherwise: [Statement]

    init(
      _ target: Target, in iterable: Expression, if filter: Expression?, body: [Statement],
      otherwise: [Statement]
    ) {
      self.target = target
      self.iterable = iterable
      self.filter = filter
      self.body = body
      self.otherwise = otherwise
    }
  }

  struct Parameter: Sendable {
    let name: String
    let fallback: Expression?
  }

  /// A macro, or the body of a call block.
  final class Macro: Sendable {
    let name: String
    let parameters: [Parameter]
    let body: [Statement]
    /// Which of `caller`, `varargs` and `kwargs` the body reads: only those are passed in.
    let specials: Set<String>

    init(_ name: String, _ parameters: [Parameter], body: [Statement], specials: Set<String>) {
      self.name = name
      self.parameters = parameters
      self.body = body
      self.specials = specials
    }
  }
}
