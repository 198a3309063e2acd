extension Jinja.Interpreter {
  /// Python's `==`.
  func equal(_ left: Jinja.Value, _ right: Jinja.Value) throws(TemplateError) -> Bool {
    try spend(1)
    if let a = left.text, let b = right.text {
      try spend(on: a)
      return Jinja.Text.equal(a, b)
    }
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      guard a !== b else { return true }
      guard a.items.count == b.items.count else { return false }
      for (left, right) in zip(a.items, b.items) where try !equal(left, right) { return false }
      return true
    case (.dictionary(let a), .dictionary(let b)): return try equal(a, b)
    case (.range(let a), .range(let b)):
      guard a.count == b.count else { return false }
      return a.count == 0 || (a.start == b.start && (a.count == 1 || a.step == b.step))
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.macro(let a), .macro(let b)): return a === b
    case (.loop(let a), .loop(let b)): return a === b
    case (.iterator(let a), .iterator(let b)): return a === b
    case (.function(let a), .function(let b)): return a == b
    case (.view(_), .view(_)), (.method(_), .method(_)):
      throw failure(.unsupported, "comparing two \(left.typeName) values is not supported")
    default: return order(ofNumbers: left, right) == 0
    }
  }

  private func equal(
    _ left: Jinja.Dictionary, _ right: Jinja.Dictionary
  ) throws(TemplateError) -> Bool {
    guard left !== right else { return true }
    guard left.keys.count == right.keys.count else { return false }
    for (name, value) in zip(left.keys, left.values) {
      guard let other = right[try key(name)], try equal(value, other) else { return false }
    }
    return true
  }

  /// How two numbers compare; nil where one is none or NaN.
  private func order(ofNumbers left: Jinja.Value, _ right: Jinja.Value) -> Int? {
    if let a = left.integer {
      if let b = right.integer { return a == b ? 0 : a < b ? -1 : 1 }
      if case .float(let b) = right { return Jinja.Numbers.order(a, b) }
      return nil
    }
    guard case .float(let a) = left else { return nil }
    if let b = right.integer { return Jinja.Numbers.order(b, a).map { -$0 } }
    guard case .float(let b) = right, !a.isNaN, !b.isNaN else { return nil }
    return a == b ? 0 : a < b ? -1 : 1
  }

  /// Python's `<`, `<=`, `>` and `>=`.
  func compare(
    _ left: Jinja.Value, _ comparison: Jinja.Comparison, _ right: Jinja.Value
  ) throws(TemplateError) -> Bool {
    try refuseUndefined(left, right)
    if left.number != nil, right.number != nil {
      guard let order = order(ofNumbers: left, right) else { return false }
      return holds(comparison, order)
    }
    if let a = left.text, let b = right.text {
      try spend(on: a)
      if Jinja.Text.equal(a, b) { return holds(comparison, 0) }
      return holds(comparison, Jinja.Text.precedes(a, b) ? -1 : 1)
    }
    switch (left, right) {
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a.items, b.items) where try !equal(x, y) {
        return try compare(x, comparison, y)
      }
      let order = a.items.count - b.items.count
      return holds(comparison, order)
    default:
      throw failure(
        .wrongType,
        "'\(comparison.rawValue)' between \(left.typeName) and \(right.typeName) has no meaning")
    }
  }

  private func holds(_ comparison: Jinja.Comparison, _ order: Int) -> Bool {
    switch comparison {
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    default: order == 0
    }
  }

  /// Python's `value in container`.
  func contains(_ container: Jinja.Value, _ value: Jinja.Value) throws(TemplateError) -> Bool {
    switch container {
    case .string(let text), .markup(let text):
      guard let needle = value.text else {
        if value.isUndefined { try refuseUndefined(value) }
        throw failure(.wrongType, "'in' a string needs a string, not \(value.typeName)")
      }
      try spend(on: text)
      try spend(on: needle)
      return Jinja.Text.contains(text, needle)
    case .dictionary(let dictionary): return dictionary[try key(value)] != nil
    case .view(let view) where view.kind == .keys: return view.dictionary[try key(value)] != nil
    case .range(let range):
      guard let number = value.integer else {
        let items = try elements(container)
        for item in items where try equal(item, value) { return true }
        return false
      }
      try spend(range.count)
      return (0..<range.count).contains { range[$0] == number }
    case .namespace, .macro, .function, .method, .none, .bool, .int, .float:
      throw failure(.wrongType, "'in' needs a container, not \(container.typeName)")
    default:
      let iterator = try iterate(container)
      while let item = try iterator.next() {
        if try equal(item, value) { return true }
      }
      return false
    }
  }

  /// Throws where one of the values is undefined: Jinja refuses operations on those.
  func refuseUndefined(_ values: Jinja.Value...) throws(TemplateError) {
    for case .undefined(let missing) in values { throw failure(missing.code, missing.message) }
  }
}
