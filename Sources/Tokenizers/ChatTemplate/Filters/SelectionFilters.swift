extension Jinja {
  /// Filters that go through a sequence with a filter, a test or an attribute.
  static let selectionFilters: [String: Filter] = [
    "map": { $0.filterMap },
    "select": { $0.selectionFilter(keeps: true, byAttribute: false) },
    "reject": { $0.selectionFilter(keeps: false, byAttribute: false) },
    "selectattr": { $0.selectionFilter(keeps: true, byAttribute: true) },
    "rejectattr": { $0.selectionFilter(keeps: false, byAttribute: true) },
  ]

  typealias Getter = (Value) throws(TemplateError) -> Value
}

extension Jinja.Interpreter {
  /// What gets the attribute of an item: names and numbers with dots between them; without an
  /// attribute, the item itself.
  func attributeGetter(
    _ attribute: Jinja.Value?, fallback: Jinja.Value? = nil
  ) throws(TemplateError) -> Jinja.Getter {
    guard let attribute else { return { (item) throws(TemplateError) in item } }
    var parts = [attribute]
    if let path = attribute.text {
      try spend(on: path)
      parts = Text.split(path, at: ".", limit: -1).map { part in
        let isNumber = !part.isEmpty && part.unicodeScalars.allSatisfy(Text.isDigit)
        return isNumber ? Int(part).map { .int($0) } ?? .string(part) : .string(part)
      }
    }
    return { (item) throws(TemplateError) in
      var value = item
      for part in parts {
        try self.spend(1)
        value = try self.item(part, of: value)
        if value.isUndefined, let fallback, !fallback.isNone { value = fallback }
      }
      return value
    }
  }

  /// As `attributeGetter`, for several attributes with commas between them.
  func attributeGetters(_ attribute: Jinja.Value?) throws(TemplateError) -> [Jinja.Getter] {
    guard let paths = attribute?.text else { return [try attributeGetter(attribute)] }
    try spend(on: paths)
    var getters: [Jinja.Getter] = []
    for path in Text.split(paths, at: ",", limit: -1) {
      getters.append(try attributeGetter(.string(path)))
    }
    return getters
  }

  fileprivate func filterMap(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    try generate(from: value) { () throws(TemplateError) in
      try self.mapping(arguments)
    } _: { (item, mapped) throws(TemplateError) in
      mapped
    }
  }

  /// What `map` does to an item.
  private func mapping(_ arguments: Jinja.CallArguments) throws(TemplateError) -> Jinja.Getter {
    if arguments.positional.isEmpty, arguments.named.contains(where: { $0.name == "attribute" }) {
      let bound = try bind(arguments, "map", ["attribute", "default"])
      return try attributeGetter(bound[0], fallback: bound[1])
    }
    guard let name = arguments.positional.first else {
      throw failure(.badValue, "'map' needs a filter or an attribute")
    }
    var rest = arguments
    rest.positional.removeFirst()
    let filter = try string(name, "map")
    return { (item) throws(TemplateError) in try self.applyFilter(filter, item, rest) }
  }

  fileprivate func selectionFilter(keeps: Bool, byAttribute: Bool) -> Jinja.FilterFunction {
    { (value, arguments) throws(TemplateError) in
      try self.generate(from: value) { () throws(TemplateError) in
        try self.selection(arguments, byAttribute: byAttribute)
      } _: { (item, isChosen) throws(TemplateError) in
        isChosen.isTrue == keeps ? item : nil
      }
    }
  }

  /// Whether an item passes the test that `select` and its like are given.
  private func selection(
    _ arguments: Jinja.CallArguments, byAttribute: Bool
  ) throws(TemplateError) -> Jinja.Getter {
    var rest = arguments
    var getter: Jinja.Getter = { (item) throws(TemplateError) in item }
    if byAttribute {
      guard let attribute = rest.positional.first else {
        throw failure(.badValue, "an attribute's name is missing")
      }
      rest.positional.removeFirst()
      getter = try attributeGetter(attribute)
    }
    guard let name = rest.positional.first else { return getter }
    rest.positional.removeFirst()
    let test = try string(name, "select")
    let passed = rest
    return { (item) throws(TemplateError) in
      .bool(try self.applyTest(test, try getter(item), passed))
    }
  }

  /// A generator over the items of `value`: each goes through a function, made at the first, and
  /// then through `choose`.
  private func generate(
    from value: Jinja.Value, with make: @escaping () throws(TemplateError) -> Jinja.Getter,
    _ choose: @escaping (Jinja.Value, Jinja.Value) throws(TemplateError) -> Jinja.Value?
  ) throws(TemplateError) -> Jinja.Value {
    var state: (source: Jinja.Iterator, function: Jinja.Getter)?
    return try makeIterator(over: value.depth) { () throws(TemplateError) in
      if state == nil {
        guard value.isTrue else { return nil }
        let function = try make()
        state = (try self.iterate(value), function)
      }
      while let item = try state?.source.next() {
        try self.enter(3)
        defer { self.leave(3) }
        guard let result = try state?.function(item) else { return nil }
        if let chosen = try choose(item, result) { return chosen }
      }
      return nil
    }
  }
}
