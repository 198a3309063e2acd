extension Jinja {
  /// The arguments of one call.
  struct CallArguments {
    var positional: [Value] = []
    var named: [(name: String, value: Value)] = []
  }
}

extension Jinja.Interpreter {
  /// The arguments in the order of `names`, nil where one is not given.
  /// - Parameter required: How many of the first must be given.
  func bind(
    _ arguments: Jinja.CallArguments, _ function: String, _ names: [String], required: Int = 0
  ) throws(TemplateError) -> [Jinja.Value?] {
    guard arguments.positional.count <= names.count else {
      throw failure(
        .wrongType,
        "'\(function)' takes at most \(names.count) arguments, not \(arguments.positional.count)")
    }
    var bound: [Jinja.Value?] = arguments.positional
    bound += Array(repeating: nil, count: names.count - bound.count)
    for (name, value) in arguments.named {
      guard let index = names.firstIndex(of: name), bound[index] == nil else {
        throw failure(.wrongType, "'\(function)' cannot take the argument '\(name)'")
      }
      bound[index] = value
    }
    for index in 0..<required where bound[index] == nil {
      throw failure(.wrongType, "'\(function)' needs the argument '\(names[index])'")
    }
    return bound
  }

  /// Calls a value.
  func invoke(
    _ callee: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    switch callee {
    case .macro(let closure): return try call(closure, arguments)
    case .function(let function): return try call(function, arguments)
    case .method(let method): return try call(method, arguments)
    case .joiner(let joiner):
      _ = try bind(arguments, "joiner", [])
      defer { joiner.isUsed = true }
      return joiner.isUsed ? joiner.separator : .string("")
    case .undefined: try refuseUndefined(callee)
    case .loop: throw failure(.wrongType, "'loop' can be called in a recursive loop only")
    default: break
    }
    throw failure(.wrongType, "a \(callee.typeName) cannot be called")
  }

  // MARK: Macros

  private func call(
    _ closure: Jinja.Closure, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let macro = closure.macro
    let scope = Jinja.Scope(closure.scope)
    var named = arguments.named
    try spend(macro.parameters.count * (1 + named.count))
    func take(_ name: String) -> Jinja.Value? {
      guard let index = named.firstIndex(where: { $0.name == name }) else { return nil }
      return named.remove(at: index).value
    }
    var given: [Jinja.Value?] = []
    for (index, parameter) in macro.parameters.enumerated() {
      given.append(
        index < arguments.positional.count ? arguments.positional[index] : take(parameter.name))
    }
    let callsCaller = macro.specials.contains("caller")
    if callsCaller {
      scope.variables["caller"] =
        take("caller") ?? .undefined(Jinja.Missing("No caller defined"))
    }
    let rest = Array(arguments.positional.dropFirst(macro.parameters.count))
    if macro.specials.contains("kwargs") {
      scope.variables["kwargs"] = try makeDictionary(named.map { (.string($0.name), $0.value) })
    } else if let extra = named.first {
      throw failure(.wrongType, "the macro '\(macro.name)' takes no argument '\(extra.name)'")
    }
    if macro.specials.contains("varargs") {
      scope.variables["varargs"] = try makeTuple(rest)
    } else if !rest.isEmpty {
      throw failure(
        .wrongType, "the macro '\(macro.name)' takes at most \(macro.parameters.count) arguments")
    }
    for (parameter, value) in zip(macro.parameters, given) {
      if let value { scope.variables[parameter.name] = value }
    }
    for (parameter, value) in zip(macro.parameters, given) where value == nil {
      scope.variables[parameter.name] =
        try parameter.fallback.map { (fallback) throws(TemplateError) in
          try evaluate(fallback, scope)
        } ?? .undefined(Jinja.Missing("parameter '\(parameter.name)' was not provided"))
    }
    return try run(macro, scope)
  }

  private func run(_ macro: Jinja.Macro, _ scope: Jinja.Scope) throws(TemplateError) -> Jinja.Value
  {
    try enter(4)
    defer { leave(4) }
    let (text, _) = try capture { () throws(TemplateError) in try execute(macro.body, scope) }
    return .string(text)
  }

  // MARK: Functions

  private func call(
    _ function: Jinja.Function, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    switch function {
    case .range: return try makeRange(arguments)
    case .dict: return try makeDictionary(try pairs(arguments, "dict"))
    case .namespace:
      let namespace = makeNamespace()
      for pair in try pairs(arguments, "namespace") {
        guard let name = pair.key.text, !name.hasPrefix("_") else {
          throw failure(.badValue, "a namespace takes names without '_' before them only")
        }
        namespace.set(name, pair.value)
      }
      return .namespace(namespace)
    case .cycler:
      guard arguments.named.isEmpty, !arguments.positional.isEmpty else {
        throw failure(.badValue, "'cycler' needs at least one item")
      }
      return .cycler(Jinja.Cycler(try makeItems(arguments.positional)))
    case .joiner:
      return .joiner(Jinja.Joiner(try bind(arguments, "joiner", ["sep"])[0] ?? .string(", ")))
    case .raiseException:
      let message = try bind(arguments, "raise_exception", ["message"], required: 1)[0]
      throw failure(.raised, try text(message ?? .none))
    case .strftimeNow:
      let format = try bind(arguments, "strftime_now", ["format"], required: 1)[0]
      guard let format = format?.text else {
        throw failure(.wrongType, "'strftime_now' needs a string")
      }
      return try make(try formatDate(format))
    case .dictFromKeys:
      let bound = try bind(arguments, "dict.fromkeys", ["iterable", "value"], required: 1)
      var pairs: [(key: Jinja.Value, value: Jinja.Value)] = []
      for key in try elements(bound[0] ?? .none) { pairs.append((key, bound[1] ?? .none)) }
      return try makeDictionary(pairs)
    }
  }

  /// What `dict(...)` collects: a dictionary or pairs, then the named arguments.
  private func pairs(
    _ arguments: Jinja.CallArguments, _ function: String
  ) throws(TemplateError) -> [(key: Jinja.Value, value: Jinja.Value)] {
    var pairs: [(key: Jinja.Value, value: Jinja.Value)] = []
    guard arguments.positional.count <= 1 else {
      throw failure(.wrongType, "'\(function)' takes one argument without a name at most")
    }
    if let source = arguments.positional.first {
      if case .dictionary(let dictionary) = source {
        for (key, value) in zip(dictionary.keys, dictionary.values) { pairs.append((key, value)) }
      } else if case .namespace(_) = source {
        throw failure(.wrongType, "a Namespace is no dictionary")
      } else {
        for item in try elements(source) {
          let pair = try elements(item)
          guard pair.count == 2 else {
            throw failure(.badValue, "'\(function)' needs pairs of a key and a value")
          }
          pairs.append((pair[0], pair[1]))
        }
      }
    }
    for (name, value) in arguments.named { pairs.append((.string(name), value)) }
    return pairs
  }

  private func makeRange(_ arguments: Jinja.CallArguments) throws(TemplateError) -> Jinja.Value {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
      throw failure(.wrongType, "'range' takes one to three arguments")
    }
    var bounds: [Int] = []
    for value in arguments.positional {
      try refuseUndefined(value)
      guard let integer = value.integer else {
        throw failure(.wrongType, "'range' needs integers, not \(value.typeName)")
      }
      bounds.append(integer)
    }
    if bounds.count == 1 { bounds.insert(0, at: 0) }
    let step = bounds.count == 3 ? bounds[2] : 1
    guard step != 0 else { throw failure(.badValue, "the step of 'range' is 0") }
    let (distance, overflows) = bounds[1].subtractingReportingOverflow(bounds[0])
    let isEmpty = bounds[0] == bounds[1] || (bounds[1] > bounds[0]) != (step > 0)
    let count = isEmpty ? 0 : (distance.magnitude - 1) / step.magnitude + 1
    guard isEmpty || (!overflows && count <= UInt(Jinja.maximumRange)) else {
      throw failure(.limit, "a 'range' of more than \(Jinja.maximumRange) numbers")
    }
    return .range(
      Jinja.Progression(start: bounds[0], stop: bounds[1], step: step, count: Int(count)))
  }
}
