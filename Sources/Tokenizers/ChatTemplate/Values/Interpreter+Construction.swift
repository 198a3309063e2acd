extension Jinja {
  /// What a dictionary looks up: equal as in Python, where 1, 1.0 and True are one key.
  enum Key: Hashable {
    case none
    case undefined
    case int(Int)
    case float(Double)
    case text(ExactText)
    indirect case tuple([Key])

    static func text(_ text: String) -> Key { .text(ExactText(text)) }
  }
}

extension Jinja.Interpreter {
  /// The key that a value is, or an error for what Python cannot hash.
  func key(_ value: Jinja.Value) throws(TemplateError) -> Jinja.Key {
    switch value {
    case .none: return .none
    case .undefined: return .undefined
    case .bool(let value): return .int(value ? 1 : 0)
    case .int(let value): return .int(value)
    case .float(let value):
      if let whole = Int(exactly: value) { return .int(whole) }
      return .float(value)
    case .string(let text), .markup(let text):
      try spend(on: text)
      return .text(text)
    case .tuple(let items):
      try spend(items.items.count)
      var keys: [Jinja.Key] = []
      for item in items.items { keys.append(try key(item)) }
      return .tuple(keys)
    case .list, .dictionary, .view(_):
      throw failure(.wrongType, "a \(value.typeName) cannot be a key (unhashable)")
    default:
      throw failure(.unsupported, "a \(value.typeName) as a key is not supported")
    }
  }

  /// A dictionary of pairs; of equal keys the last value counts, at the place of the first key.
  func makeDictionary(
    _ pairs: [(key: Jinja.Value, value: Jinja.Value)]
  ) throws(TemplateError) -> Jinja.Value {
    try spend(pairs.count)
    var keys: [Jinja.Value] = []
    var values: [Jinja.Value] = []
    var index: [Jinja.Key: Int] = [:]
    for pair in pairs {
      let key = try key(pair.key)
      if let place = index[key] {
        values[place] = pair.value
      } else {
        index[key] = keys.count
        keys.append(pair.key)
        values.append(pair.value)
      }
    }
    let dictionary = Jinja.Dictionary(keys: keys, values: values, index: index)
    try checkDepth(dictionary.depth)
    return .dictionary(dictionary)
  }

  func makeList(_ items: [Jinja.Value]) throws(TemplateError) -> Jinja.Value {
    .list(try makeItems(items))
  }

  func makeTuple(_ items: [Jinja.Value]) throws(TemplateError) -> Jinja.Value {
    .tuple(try makeItems(items))
  }

  func makeItems(_ items: [Jinja.Value]) throws(TemplateError) -> Jinja.Items {
    try spend(items.count)
    let box = Jinja.Items(items)
    try checkDepth(box.depth)
    return box
  }

  func makeIterator(
    over source: Int, _ pull: @escaping () throws(TemplateError) -> Jinja.Value?
  ) throws(TemplateError) -> Jinja.Value {
    let iterator = Jinja.Iterator(depth: source, pull)
    try checkDepth(iterator.depth)
    return .iterator(iterator)
  }

  private func checkDepth(_ depth: Int) throws(TemplateError) {
    guard depth <= Jinja.maximumValueDepth else {
      throw failure(.limit, "a value nested deeper than \(Jinja.maximumValueDepth) levels")
    }
  }

  /// A value from outside as the template sees it.
  func value(_ value: TemplateValue, depth: Int = 0) throws(TemplateError) -> Jinja.Value {
    guard depth < Jinja.maximumValueDepth else {
      throw failure(.limit, "a value nested deeper than \(Jinja.maximumValueDepth) levels")
    }
    switch value {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .float(value)
    case .string(let text): return .string(text)
    case .list(let items):
      var values: [Jinja.Value] = []
      values.reserveCapacity(items.count)
      for item in items { values.append(try self.value(item, depth: depth + 1)) }
      return try makeList(values)
    case .dictionary(let dictionary):
      var pairs: [(key: Jinja.Value, value: Jinja.Value)] = []
      for pair in dictionary.pairs {
        pairs.append((.string(pair.key), try self.value(pair.value, depth: depth + 1)))
      }
      return try makeDictionary(pairs)
    }
  }
}
