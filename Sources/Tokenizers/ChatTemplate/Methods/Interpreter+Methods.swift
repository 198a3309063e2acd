extension Jinja.Interpreter {
  /// Calls a method of a value.
  func call(
    _ method: Jinja.Method, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    switch method.receiver {
    case .string(let text):
      try spend(on: text)
      return try callText(text, method.name, arguments)
    case .dictionary(let dictionary):
      return try call(dictionary, method.name, arguments)
    case .list, .tuple, .range: return try callSequence(method.receiver, method.name, arguments)
    case .loop(let loop):
      guard arguments.named.isEmpty else {
        throw failure(.wrongType, "'loop.\(method.name)' takes no named arguments")
      }
      if method.name == "changed" {
        return .bool(try loop.changed(arguments.positional, self))
      }
      guard !arguments.positional.isEmpty else {
        throw failure(.badValue, "'loop.cycle' needs at least one item")
      }
      return arguments.positional[loop.index % arguments.positional.count]
    case .cycler(let cycler):
      _ = try bind(arguments, method.name, [])
      let current = cycler.items.items[cycler.position]
      let isReset = method.name == "reset"
      cycler.position = isReset ? 0 : (cycler.position + 1) % cycler.items.items.count
      return isReset ? .none : current
    case .function(.dict) where method.name == "fromkeys":
      return try invoke(.function(.dictFromKeys), arguments)
    default:
      throw failure(
        .unsupported, "'\(method.name)' of a \(method.receiver.typeName) is not supported")
    }
  }

  private func call(
    _ dictionary: Jinja.Dictionary, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    guard arguments.named.isEmpty else {
      throw failure(.wrongType, "'\(name)' of a dict takes no named arguments")
    }
    switch name {
    case "get":
      let bound = try bind(arguments, name, ["key", "default"], required: 1)
      return dictionary[try key(bound[0] ?? .none)] ?? bound[1] ?? .none
    case "copy":
      _ = try bind(arguments, name, [])
      return .dictionary(dictionary)
    default:
      _ = try bind(arguments, name, [])
      guard let kind = Jinja.View.Kind(rawValue: name) else {
        throw failure(.unsupported, "'\(name)' of a dict is not supported")
      }
      return .view(Jinja.View(kind, of: dictionary))
    }
  }

  private func callSequence(
    _ sequence: Jinja.Value, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    guard arguments.named.isEmpty else {
      throw failure(.wrongType, "'\(name)' of a \(sequence.typeName) takes no named arguments")
    }
    if name == "copy" {
      _ = try bind(arguments, name, [])
      return sequence
    }
    let items = try elements(sequence)
    let wanted = try bind(arguments, name, ["value", "start", "stop"], required: 1)
    if name == "count" {
      _ = try bind(arguments, name, ["value"])
      var count = 0
      for item in items where try equal(item, wanted[0] ?? .none) { count += 1 }
      return .int(count)
    }
    let start = try textBound(wanted[1], items.count) ?? 0
    let stop = try textBound(wanted[2], items.count) ?? items.count
    for (index, item) in items.enumerated() where index >= start && index < stop {
      if try equal(item, wanted[0] ?? .none) { return .int(index) }
    }
    throw failure(.badValue, "the value is not in the \(sequence.typeName)")
  }

  /// A place in a sequence as `find` and `index` take it: negative from the end, kept inside; nil
  /// where none is given.
  func textBound(_ value: Jinja.Value?, _ count: Int) throws(TemplateError) -> Int? {
    guard let value, !value.isNone else { return nil }
    guard let index = value.integer else {
      throw failure(.wrongType, "a place must be an integer, not \(value.typeName)")
    }
    return index < 0 ? max(0, index < -count ? 0 : index + count) : min(index, count + 1)
  }
}
