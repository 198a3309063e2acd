extension Jinja {
  /// Filters that take or make lists and dictionaries.
  static let sequenceFilters: [String: Filter] = [
    "length": { $0.filterLength },
    "count": { $0.filterLength },
    "first": { $0.filterFirst },
    "last": { $0.filterLast },
    "list": { $0.filterList },
    "items": { $0.filterItems },
    "dictsort": { $0.filterDictionarySort },
    "join": { $0.filterJoin },
    "reverse": { $0.filterReverse },
    "sort": { $0.filterSort },
    "unique": { $0.filterUnique },
    "batch": { $0.filterBatch },
    "default": { $0.filterDefault },
    "d": { $0.filterDefault },
  ]
}

extension Jinja.Interpreter {
  fileprivate func filterLength(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "length", [])
    if let text = value.text { try spend(on: text) }
    if case .loop(let loop) = value { return .int(try loop.length(self)) }
    guard let length = length(value) else {
      throw failure(.wrongType, "a \(value.typeName) has no length")
    }
    return .int(length)
  }

  fileprivate func filterFirst(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "first", [])
    return try iterate(value).next()
      ?? .undefined(Jinja.Missing("No first item, sequence was empty."))
  }

  fileprivate func filterLast(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "last", [])
    if case .iterator = value { throw failure(.wrongType, "a generator has no last item") }
    return try elements(value).last
      ?? .undefined(Jinja.Missing("No last item, sequence was empty."))
  }

  fileprivate func filterList(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "list", [])
    return try makeList(try elements(value))
  }

  fileprivate func filterItems(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "items", [])
    return try makeIterator(
      over: value.depth,
      lazily { () throws(TemplateError) in
        if value.isUndefined { return [] }
        guard case .dictionary(let dictionary) = value else {
          throw self.failure(.wrongType, "'items' needs a dict, not \(value.typeName)")
        }
        return try self.items(of: Jinja.View(.items, of: dictionary))
      })
  }

  /// A generator over items that are made when the first is asked for.
  func lazily(
    _ make: @escaping () throws(TemplateError) -> [Jinja.Value]
  ) -> () throws(TemplateError) -> Jinja.Value? {
    var items: [Jinja.Value]?
    var place = 0
    return { () throws(TemplateError) in
      let all: [Jinja.Value]
      if let items {
        all = items
      } else {
        all = try make()
        items = all
      }
      guard place < all.count else { return nil }
      place += 1
      return all[place - 1]
    }
  }

  fileprivate func filterDictionarySort(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "dictsort", ["case_sensitive", "by", "reverse"])
    let by = bound[1]?.text ?? "key"
    guard by == "key" || by == "value" else {
      throw failure(.badValue, "'dictsort' sorts by 'key' or 'value'")
    }
    try refuseUndefined(value)
    guard case .dictionary(let dictionary) = value else {
      throw failure(.wrongType, "'dictsort' needs a dict, not \(value.typeName)")
    }
    let respectsCase = bound[0]?.isTrue ?? false
    let order = try sorted(
      Array(dictionary.keys.indices), descending: bound[2]?.isTrue ?? false
    ) { (index) throws(TemplateError) in
      let key = by == "key" ? dictionary.keys[index] : dictionary.values[index]
      return respectsCase ? key : try self.ignoringCase(key)
    }
    var pairs: [Jinja.Value] = []
    for index in order {
      pairs.append(try makeTuple([dictionary.keys[index], dictionary.values[index]]))
    }
    return try makeList(pairs)
  }

  /// Strings in lower case; other values as they are.
  func ignoringCase(_ value: Jinja.Value) throws(TemplateError) -> Jinja.Value {
    guard let text = value.text else { return value }
    try spend(on: text)
    return .string(Text.lower(text))
  }

  fileprivate func filterJoin(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "join", ["d", "attribute"])
    let getter = try attributeGetter(bound[1].flatMap { $0.isNone ? nil : $0 })
    var texts: [String] = []
    for item in try elements(value) { texts.append(try text(try getter(item))) }
    return try join(texts, try text(bound[0] ?? .string("")))
  }

  fileprivate func filterReverse(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "reverse", [])
    switch value {
    case .string(let text):
      try spend(on: text)
      return try make(Text.string(text.unicodeScalars.reversed()))
    case .markup: throw failure(.unsupported, "'reverse' on marked text is not supported")
    case .iterator: return try makeList(try elements(value).reversed())
    default: break
    }
    let items = try elements(value)
    return try makeIterator(
      over: value.depth, lazily { () throws(TemplateError) in items.reversed() })
  }

  fileprivate func filterSort(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "sort", ["reverse", "case_sensitive", "attribute"])
    let respectsCase = bound[1]?.isTrue ?? false
    let getters = try attributeGetters(bound[2].flatMap { $0.isNone ? nil : $0 })
    let items = try sorted(try elements(value), descending: bound[0]?.isTrue ?? false) {
      (item) throws(TemplateError) in
      var keys: [Jinja.Value] = []
      for getter in getters {
        let key = try getter(item)
        keys.append(respectsCase ? key : try self.ignoringCase(key))
      }
      return try self.makeList(keys)
    }
    return try makeList(items)
  }

  fileprivate func filterUnique(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "unique", ["case_sensitive", "attribute"])
    let respectsCase = bound[0]?.isTrue ?? false
    let getter = try attributeGetter(bound[1].flatMap { $0.isNone ? nil : $0 })
    return try makeIterator(
      over: value.depth,
      lazily { () throws(TemplateError) in
        var seen: Set<Jinja.Key> = []
        var unique: [Jinja.Value] = []
        for item in try self.elements(value) {
          let key = try getter(item)
          if seen.insert(try self.key(respectsCase ? key : try self.ignoringCase(key))).inserted {
            unique.append(item)
          }
        }
        return unique
      })
  }

  fileprivate func filterBatch(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "batch", ["linecount", "fill_with"], required: 1)
    let size = try integer(bound[0], "batch", or: 1)
    return try makeIterator(
      over: value.depth + 1,
      lazily { () throws(TemplateError) in
        var batches: [[Jinja.Value]] = []
        for item in try self.elements(value) {
          if let count = batches.last?.count, count != size {
            batches[batches.count - 1].append(item)
          } else {
            batches.append([item])
          }
        }
        if let fill = bound[1], !fill.isNone, let last = batches.last, last.count < size {
          try self.spend(size - last.count)
          batches[batches.count - 1] += Array(repeating: fill, count: size - last.count)
        }
        var lists: [Jinja.Value] = []
        for batch in batches { lists.append(try self.makeList(batch)) }
        return lists
      })
  }

  fileprivate func filterDefault(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "default", ["default_value", "boolean"])
    let isMissing = value.isUndefined || ((bound[1]?.isTrue ?? false) && !value.isTrue)
    return isMissing ? bound[0] ?? .string("") : value
  }
}
