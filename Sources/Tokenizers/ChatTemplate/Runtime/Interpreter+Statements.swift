extension Jinja.Interpreter {
  func execute(
    _ statements: [Jinja.Statement], _ scope: Jinja.Scope
  ) throws(TemplateError) -> Flow {
    try enter()
    defer { leave() }
    for statement in statements {
      try spend(1)
      line = statement.line
      let flow = try execute(statement, scope)
      if flow != .normal { return flow }
    }
    return .normal
  }

  private func execute(
    _ statement: Jinja.Statement, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Flow {
    switch statement.kind {
    case .text(let text): try write(text)
    case .output(let expression): try write(try text(try evaluate(expression, scope)))
    case .conditional(let branches, let otherwise):
      return try runConditional(branches, otherwise, scope)
    case .loop(let loop): return try runLoop(loop, scope)
    case .set(let target, let expression):
      try checkNamespaces(target, scope)
      try assign(target, try evaluate(expression, scope), scope)
    case .setBlock(let target, let filter, let body):
      return try runSetBlock(target, filter, body, scope)
    case .macro(let macro):
      keep(scope)
      scope.variables[macro.name] = .macro(Jinja.Closure(macro, in: scope))
    case .callBlock(let call, let body): try runCallBlock(call, body, scope)
    case .filterBlock(let filter, let body): return try runFilterBlock(filter, body, scope)
    case .with(let targets, let body): return try runWith(targets, body, scope)
    case .scope(let body): return try execute(body, Jinja.Scope(scope))
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .normal
  }

  private func runConditional(
    _ branches: [Jinja.Branch], _ otherwise: [Jinja.Statement], _ scope: Jinja.Scope
  ) throws(TemplateError) -> Flow {
    for branch in branches where try evaluate(branch.test, scope).isTrue {
      return try execute(branch.body, scope)
    }
    return try execute(otherwise, scope)
  }

  private func runLoop(_ loop: Jinja.Loop, _ scope: Jinja.Scope) throws(TemplateError) -> Flow {
    let iterable = try evaluate(loop.iterable, scope)
    var iterator = try iterate(iterable)
    if let filter = loop.filter {
      let source = iterator
      iterator = Jinja.Iterator(depth: source.depth) { () throws(TemplateError) in
        while let item = try source.next() {
          let inner = Jinja.Scope(scope)
          try self.assign(loop.target, item, inner)
          if try self.evaluate(filter, inner).isTrue { return item }
        }
        return nil
      }
    }
    let state = Jinja.LoopState(iterator, length: loop.filter == nil ? length(iterable) : nil)
    // As in Jinja, `else` runs unless a turn has reached the end of the body: also after a `break`
    // in the first.
    var isComplete = false
    while let item = try state.next() {
      try spend(1)
      let inner = Jinja.Scope(scope)
      inner.variables["loop"] = .loop(state)
      try assign(loop.target, item, inner)
      let flow = try execute(loop.body, inner)
      if flow == .breakLoop { break }
      if flow == .normal { isComplete = true }
    }
    if isComplete || loop.otherwise.isEmpty { return .normal }
    return try execute(loop.otherwise, Jinja.Scope(scope))
  }

  private func runSetBlock(
    _ target: Jinja.Target, _ filter: Jinja.Expression?, _ body: [Jinja.Statement],
    _ scope: Jinja.Scope
  ) throws(TemplateError) -> Flow {
    let inner = Jinja.Scope(scope)
    let (text, flow) = try capture { () throws(TemplateError) in try execute(body, inner) }
    guard flow == .normal else { return flow }
    var value = Jinja.Value.string(text)
    if let filter { value = try evaluateFilter(filter, of: value, inner) }
    try checkNamespaces(target, scope)
    try assign(target, value, scope)
    return .normal
  }

  private func runFilterBlock(
    _ filter: Jinja.Expression, _ body: [Jinja.Statement], _ scope: Jinja.Scope
  ) throws(TemplateError) -> Flow {
    let inner = Jinja.Scope(scope)
    let (text, flow) = try capture { () throws(TemplateError) in try execute(body, inner) }
    guard flow == .normal else { return flow }
    try write(try self.text(try evaluateFilter(filter, of: .string(text), inner)))
    return .normal
  }

  private func runWith(
    _ targets: [(target: Jinja.Target, value: Jinja.Expression)], _ body: [Jinja.Statement],
    _ scope: Jinja.Scope
  ) throws(TemplateError) -> Flow {
    let inner = Jinja.Scope(scope)
    for (target, value) in targets { try assign(target, try evaluate(value, scope), inner) }
    return try execute(body, inner)
  }

  private func runCallBlock(
    _ call: Jinja.Expression, _ body: Jinja.Macro, _ scope: Jinja.Scope
  ) throws(TemplateError) {
    guard case .call(let callee, let arguments) = call.kind else { return }
    let function = try evaluate(callee, scope)
    var passed = try evaluate(arguments, scope)
    guard !passed.named.contains(where: { $0.name == "caller" }) else {
      throw failure(.wrongType, "a call block passes 'caller' itself")
    }
    keep(scope)
    passed.named.append(("caller", .macro(Jinja.Closure(body, in: scope))))
    try write(try text(try invoke(function, passed)))
  }

  // MARK: Assignment

  func assign(
    _ target: Jinja.Target, _ value: Jinja.Value, _ scope: Jinja.Scope
  ) throws(TemplateError) {
    switch target {
    case .name(let name): scope.variables[name] = value
    case .attribute(let name, let attribute):
      guard case .namespace(let namespace) = scope[name] else { throw notNamespace() }
      guard !attribute.hasPrefix("_") else {
        throw failure(.badValue, "a namespace takes no name with '_' before it ('\(attribute)')")
      }
      namespace.set(attribute, value)
    case .tuple(let targets):
      try spend(targets.count)
      let items = try elements(value)
      guard items.count == targets.count else {
        throw failure(
          .badValue, "\(items.count) values for \(targets.count) names")
      }
      for (target, item) in zip(targets, items) { try assign(target, item, scope) }
    }
  }

  /// Only namespaces have attributes that can be set; Jinja checks so before it evaluates the
  /// value.
  private func checkNamespaces(
    _ target: Jinja.Target, _ scope: Jinja.Scope
  ) throws(TemplateError) {
    switch target {
    case .name: return
    case .attribute(let name, _):
      guard case .namespace = scope[name] else { throw notNamespace() }
    case .tuple(let targets):
      for target in targets { try checkNamespaces(target, scope) }
    }
  }

  private func notNamespace() -> TemplateError {
    failure(.wrongType, "only a namespace has attributes that can be set")
  }
}
