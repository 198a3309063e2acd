extension Jinja.Interpreter {
  /// The value of an expression. The cases stand in functions of their own: this one is on the
  /// stack for each level of nesting.
  func evaluate(
    _ expression: Jinja.Expression, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    try enter()
    defer { leave() }
    line = expression.line
    switch expression.kind {
    case .constant(let value): return constant(value)
    case .name(let name): return try variable(name, scope)
    case .list(let items): return try makeList(try evaluate(items, scope))
    case .tuple(let items): return try makeTuple(try evaluate(items, scope))
    case .dictionary(let pairs): return try evaluateDictionary(pairs, scope)
    case .attribute(let base, let name):
      return try attribute(name, of: try evaluate(base, scope))
    case .item(let base, let index):
      let container = try evaluate(base, scope)
      return try item(try evaluate(index, scope), of: container)
    case .slice(let base, let slice): return try evaluateSlice(base, slice, scope)
    case .call(let callee, let arguments):
      return try evaluateCall(callee, arguments, expression.line, scope)
    case .filter: return try evaluateFilter(expression, of: nil, scope)
    case .test(let base, let name, let arguments):
      return try evaluateTest(base, name, arguments, scope)
    case .not(let base): return .bool(!(try evaluate(base, scope).isTrue))
    case .negative(let base): return try negate(try evaluate(base, scope))
    case .positive(let base): return try positive(try evaluate(base, scope))
    case .arithmetic(let operation, let left, let right):
      let left = try evaluate(left, scope)
      return try calculate(left, operation, try evaluate(right, scope))
    case .concatenation(let parts): return try evaluateConcatenation(parts, scope)
    case .comparison(let first, let operands):
      return try evaluateComparison(first, operands, scope)
    case .and(let left, let right):
      let left = try evaluate(left, scope)
      return left.isTrue ? try evaluate(right, scope) : left
    case .or(let left, let right):
      let left = try evaluate(left, scope)
      return left.isTrue ? left : try evaluate(right, scope)
    case .conditional(let test, let then, let otherwise):
      return try evaluateConditional(test, then, otherwise, scope)
    }
  }

  private func constant(_ value: TemplateValue) -> Jinja.Value {
    switch value {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .float(let value): .float(value)
    case .string(let text): .string(text)
    case .none, .list, .dictionary: .none
    }
  }

  private func variable(_ name: String, _ scope: Jinja.Scope) throws(TemplateError) -> Jinja.Value {
    if let value = scope[name] { return value }
    if name != Jinja.Function.dictFromKeys.rawValue, let function = Jinja.Function(rawValue: name) {
      return .function(function)
    }
    if name == "lipsum" || name == "self" {
      throw failure(.unsupported, "'\(name)' is not supported")
    }
    return .undefined(Jinja.Missing("'\(name)' is undefined"))
  }

  private func evaluate(
    _ items: [Jinja.Expression], _ scope: Jinja.Scope
  ) throws(TemplateError) -> [Jinja.Value] {
    var values: [Jinja.Value] = []
    values.reserveCapacity(items.count)
    for item in items { values.append(try evaluate(item, scope)) }
    return values
  }

  private func evaluateDictionary(
    _ pairs: [(key: Jinja.Expression, value: Jinja.Expression)], _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    var values: [(key: Jinja.Value, value: Jinja.Value)] = []
    for pair in pairs {
      let key = try evaluate(pair.key, scope)
      values.append((key, try evaluate(pair.value, scope)))
    }
    return try makeDictionary(values)
  }

  private func evaluateConcatenation(
    _ parts: [Jinja.Expression], _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    var result = ""
    for part in parts {
      let value = try evaluate(part, scope)
      result += try text(value)
      try checkSize(result.utf8.count)
    }
    return try make(result)
  }

  private func evaluateComparison(
    _ first: Jinja.Expression,
    _ operands: [(Jinja.Comparison, Jinja.Expression)], _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    var left = try evaluate(first, scope)
    for (comparison, operand) in operands {
      let right = try evaluate(operand, scope)
      let holds: Bool
      switch comparison {
      case .equal: holds = try equal(left, right)
      case .notEqual: holds = try !equal(left, right)
      case .isIn: holds = try contains(right, left)
      case .isNotIn: holds = try !contains(right, left)
      default: holds = try compare(left, comparison, right)
      }
      if !holds { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  private func evaluateConditional(
    _ test: Jinja.Expression, _ then: Jinja.Expression, _ otherwise: Jinja.Expression?,
    _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    if try evaluate(test, scope).isTrue { return try evaluate(then, scope) }
    guard let otherwise else {
      return .undefined(
        Jinja.Missing("the condition on line \(test.line) is false and has no 'else'"))
    }
    return try evaluate(otherwise, scope)
  }

  // MARK: Calls, filters and tests

  func evaluate(
    _ arguments: Jinja.Arguments, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.CallArguments {
    var passed = Jinja.CallArguments()
    passed.positional = try evaluate(arguments.positional, scope)
    for (name, value) in arguments.named {
      passed.named.append((name, try evaluate(value, scope)))
    }
    if let spread = arguments.spread {
      passed.positional += try elements(try evaluate(spread, scope))
    }
    if let spread = arguments.namedSpread {
      guard case .dictionary(let dictionary) = try evaluate(spread, scope) else {
        throw failure(.wrongType, "'**' needs a dictionary")
      }
      for (key, value) in zip(dictionary.keys, dictionary.values) {
        guard let name = key.text else { throw failure(.wrongType, "'**' needs strings as keys") }
        try spend(passed.named.count * (1 + name.utf8.count / 16))
        guard !passed.named.contains(where: { $0.name == name }) else {
          throw failure(.wrongType, "the argument '\(name)' is there twice")
        }
        passed.named.append((name, value))
      }
    }
    return passed
  }

  private func evaluateCall(
    _ callee: Jinja.Expression, _ arguments: Jinja.Arguments, _ line: Int, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    let function = try evaluate(callee, scope)
    let passed = try evaluate(arguments, scope)
    self.line = line
    return try invoke(function, passed)
  }

  /// A chain of filters; `block` is what the first is applied to when it has no operand of its own.
  func evaluateFilter(
    _ expression: Jinja.Expression, of block: Jinja.Value?, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    guard case .filter(let base, let name, let arguments) = expression.kind else {
      return try evaluate(expression, scope)
    }
    let value: Jinja.Value
    if let base {
      if block != nil {
        try enter()
        defer { leave() }
        value = try evaluateFilter(base, of: block, scope)
      } else {
        value = try evaluate(base, scope)
      }
    } else {
      value = block ?? .none
    }
    let passed = try evaluate(arguments, scope)
    line = expression.line
    return try applyFilter(name, value, passed)
  }

  private func evaluateTest(
    _ base: Jinja.Expression, _ name: String, _ arguments: Jinja.Arguments, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    let value = try evaluate(base, scope)
    let passed = try evaluate(arguments, scope)
    return .bool(try applyTest(name, value, passed))
  }
}
