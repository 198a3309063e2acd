extension Jinja {
  /// What may follow `is`.
  static let tests: [String: Test] = typeTests.merging(comparisonTests) { $1 }

  private static func plain(_ holds: @escaping @Sendable (Value) -> Bool) -> Test {
    { (interpreter) in
      { (value, arguments) throws(TemplateError) in
        _ = try interpreter.bind(arguments, "is", [])
        return holds(value)
      }
    }
  }

  private static let typeTests: [String: Test] = [
    "defined": plain { !$0.isUndefined },
    "undefined": plain { $0.isUndefined },
    "none": plain { $0.isNone },
    "boolean": plain { if case .bool = $0 { true } else { false } },
    "true": plain { if case .bool(true) = $0 { true } else { false } },
    "false": plain { if case .bool(false) = $0 { true } else { false } },
    "integer": plain { if case .int = $0 { true } else { false } },
    "float": plain { if case .float = $0 { true } else { false } },
    "number": plain { $0.number != nil },
    "string": plain { $0.text != nil },
    "escaped": plain { if case .markup = $0 { true } else { false } },
    "mapping": plain { if case .dictionary = $0 { true } else { false } },
    "sequence": plain {
      switch $0 {
      case .string, .markup, .list, .tuple, .dictionary, .range, .undefined: true
      default: false
      }
    },
    "iterable": plain {
      switch $0 {
      case .string, .markup, .list, .tuple, .dictionary, .view, .range, .iterator, .undefined,
        .loop:
        true
      default: false
      }
    },
    "callable": plain {
      switch $0 {
      // Undefined values and loops have a `__call__`, which then refuses.
      case .function, .macro, .method, .joiner, .undefined, .loop: true
      default: false
      }
    },
    "lower": { $0.caseTest(Text.isLower) },
    "upper": { $0.caseTest(Text.isUpper) },
    "filter": { $0.nameTest(Set(filters.keys).union(unsupportedFilters)) },
    "test": { $0.nameTest(Set(tests.keys)) },
  ]

  private static let comparisonTests: [String: Test] = {
    var tests: [String: Test] = [
      "odd": { $0.remainderTest("odd", 1) },
      "even": { $0.remainderTest("even", 0) },
      "divisibleby": { $0.testDivisible },
      "in": { $0.testIn },
      "sameas": { $0.testSame },
    ]
    for name in ["==", "eq", "equalto"] { tests[name] = { $0.testEqual } }
    for name in ["!=", "ne"] { tests[name] = { $0.testUnequal } }
    let orders: [(Comparison, [String])] = [
      (.less, ["<", "lt", "lessthan"]), (.lessOrEqual, ["<=", "le"]),
      (.greater, [">", "gt", "greaterthan"]), (.greaterOrEqual, [">=", "ge"]),
    ]
    for (comparison, names) in orders {
      for name in names { tests[name] = { $0.orderTest(comparison) } }
    }
    return tests
  }()
}

extension Jinja.Interpreter {
  /// The one argument of a test that compares.
  private func other(
    _ arguments: Jinja.CallArguments, _ name: String
  ) throws(TemplateError) -> Jinja.Value {
    try bind(arguments, name, ["other"], required: 1)[0] ?? .none
  }

  fileprivate func testEqual(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Bool {
    try equal(value, try other(arguments, "eq"))
  }

  fileprivate func testUnequal(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Bool {
    try !equal(value, try other(arguments, "ne"))
  }

  fileprivate func testIn(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Bool {
    try contains(try other(arguments, "in"), value)
  }

  fileprivate func orderTest(_ comparison: Jinja.Comparison) -> Jinja.TestFunction {
    { (value, arguments) throws(TemplateError) in
      try self.compare(value, comparison, try self.other(arguments, comparison.rawValue))
    }
  }

  fileprivate func caseTest(_ holds: @escaping (String) -> Bool) -> Jinja.TestFunction {
    { (value, arguments) throws(TemplateError) in
      _ = try self.bind(arguments, "is", [])
      let text = try self.text(value)
      try self.spend(on: text)
      return holds(text)
    }
  }

  fileprivate func nameTest(_ names: Set<String>) -> Jinja.TestFunction {
    { (value, arguments) throws(TemplateError) in
      _ = try self.bind(arguments, "is", [])
      guard let text = value.text else { return false }
      try self.spend(on: text)
      return names.contains(text)
    }
  }

  fileprivate func remainderTest(_ name: String, _ rest: Int) -> Jinja.TestFunction {
    { (value, arguments) throws(TemplateError) in
      _ = try self.bind(arguments, name, [])
      return try self.equal(try self.calculate(value, .modulo, .int(2)), .int(rest))
    }
  }

  fileprivate func testDivisible(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Bool {
    let divisor = try bind(arguments, "divisibleby", ["num"], required: 1)[0] ?? .none
    return try equal(try calculate(value, .modulo, divisor), .int(0))
  }

  fileprivate func testSame(
    _ left: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Bool {
    let right = try other(arguments, "sameas")
    switch (left, right) {
    case (.none, .none): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return a === b
    case (.dictionary(let a), .dictionary(let b)): return a === b
    case (.namespace(let a), .namespace(let b)): return a === b
    default: break
    }
    guard left.typeName != right.typeName else {
      throw failure(.unsupported, "'sameas' of two \(left.typeName) values is not supported")
    }
    return false
  }
}
