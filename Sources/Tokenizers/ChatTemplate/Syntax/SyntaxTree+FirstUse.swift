extension Jinja {
  /// The names that a template sets before it reads them, outside of any branch.
  ///
  /// Jinja takes such a name for the template's own from the start: what the caller passes under it
  /// is not seen, not even by a macro or a block that runs before it is set.
  static func ownNames(of template: [Statement]) -> [String] {
    var uses = FirstUses()
    for statement in template { uses.visit(statement, isBranch: false) }
    return uses.own
  }

  private struct FirstUses {
    var own: [String] = []
    private var seen: Set<String> = []

    mutating func visit(_ statement: Statement, isBranch: Bool) {
      switch statement.kind {
      case .text, .breakLoop, .continueLoop, .scope: break
      case .output(let expression): read(expression)
      case .conditional(let branches, let otherwise):
        for branch in branches {
          read(branch.test)
          for statement in branch.body { visit(statement, isBranch: true) }
        }
        for statement in otherwise { visit(statement, isBranch: true) }
      // Of what has a scope of its own, only what is evaluated outside of it counts.
      case .loop(let loop): read(loop.iterable)
      case .callBlock(let call, _): read(call)
      case .filterBlock(let filter, _): read(filter)
      case .with(let targets, _): for target in targets { read(target.value) }
      case .macro(let macro): set(.name(macro.name), isBranch: isBranch)
      case .setBlock(let target, _, _): set(target, isBranch: isBranch)
      case .set(let target, let value):
        read(value)
        set(target, isBranch: isBranch)
      }
    }

    private mutating func set(_ target: Target, isBranch: Bool) {
      switch target {
      case .name(let name):
        // What a branch sets may come from the caller when the branch is not taken.
        if seen.insert(name).inserted, !isBranch { own.append(name) }
      case .attribute(let name, _): seen.insert(name)
      case .tuple(let targets): for target in targets { set(target, isBranch: isBranch) }
      }
    }

    private mutating func read(_ expression: Expression?) {
      guard let expression else { return }
      switch expression.kind {
      case .constant: break
      case .name(let name): seen.insert(name)
      case .list(let items), .tuple(let items), .concatenation(let items): read(items)
      case .dictionary(let pairs):
        for pair in pairs { read([pair.key, pair.value]) }
      case .attribute(let base, _), .not(let base), .negative(let base), .positive(let base):
        read(base)
      case .item(let left, let right), .arithmetic(_, let left, let right),
        .and(let left, let right),
        .or(let left, let right):
        read([left, right])
      case .slice(let base, let slice):
        read(base)
        for bound in [slice.start, slice.stop, slice.step] { read(bound) }
      case .call(let base, let arguments), .test(let base, _, let arguments):
        read(base)
        read(arguments)
      case .filter(let base, _, let arguments):
        read(base)
        read(arguments)
      case .comparison(let first, let operands):
        read(first)
        for (_, operand) in operands { read(operand) }
      case .conditional(let test, let then, let otherwise):
        read([test, then])
        read(otherwise)
      }
    }

    private mutating func read(_ expressions: [Expression]) {
      for expression in expressions { read(expression) }
    }

    private mutating func read(_ arguments: Arguments) {
      read(arguments.positional)
      read(arguments.named.map { $0.value })
      read(arguments.spread)
      read(arguments.namedSpread)
    }
  }
}
