extension Jinja.Interpreter {
  /// Python's `iter(value)`.
  func iterate(_ value: Jinja.Value) throws(TemplateError) -> Jinja.Iterator {
    switch value {
    case .iterator(let iterator): return iterator
    case .undefined: return iterator(over: [], depth: 0)
    case .list(let items), .tuple(let items): return iterator(over: items.items, depth: items.depth)
    case .dictionary(let dictionary):
      return iterator(over: dictionary.keys, depth: dictionary.depth)
    case .view(let view):
      return iterator(over: try items(of: view), depth: view.dictionary.depth)
    case .string(let text):
      try spend(on: text)
      return iterator(
        over: text.unicodeScalars.map { .string(String($0)) }, depth: 0)
    case .range(let range):
      var place = 0
      return Jinja.Iterator(depth: 0) { () throws(TemplateError) in
        guard place < range.count else { return nil }
        place += 1
        return .int(range[place - 1])
      }
    case .loop: throw failure(.unsupported, "going through 'loop' is not supported")
    case .markup: throw failure(.unsupported, "going through marked text is not supported")
    case .none, .bool, .int, .float, .namespace, .macro, .function, .method, .cycler, .joiner:
      throw failure(.wrongType, "a \(value.typeName) cannot be gone through")
    }
  }

  private func iterator(over items: [Jinja.Value], depth: Int) -> Jinja.Iterator {
    var place = 0
    return Jinja.Iterator(depth: depth) { () throws(TemplateError) in
      guard place < items.count else { return nil }
      place += 1
      return items[place - 1]
    }
  }

  /// What a view of a dictionary shows.
  func items(of view: Jinja.View) throws(TemplateError) -> [Jinja.Value] {
    try spend(view.dictionary.keys.count)
    return view.items
  }

  /// Python's `list(value)`; each element is a step, since callers go through all.
  func elements(_ value: Jinja.Value) throws(TemplateError) -> [Jinja.Value] {
    switch value {
    case .list(let items), .tuple(let items):
      try spend(items.items.count)
      return items.items
    default: break
    }
    let iterator = try iterate(value)
    var items: [Jinja.Value] = []
    while let item = try iterator.next() {
      try spend(1)
      items.append(item)
    }
    return items
  }

  /// Python's `len(value)`; nil where a value has none.
  func length(_ value: Jinja.Value) -> Int? {
    switch value {
    case .undefined: 0
    case .string(let text), .markup(let text): text.unicodeScalars.count
    case .list(let items), .tuple(let items): items.items.count
    case .dictionary(let dictionary): dictionary.keys.count
    case .view(let view): view.dictionary.keys.count
    case .range(let range): range.count
    default: nil
    }
  }

  // MARK: Slices

  func evaluateSlice(
    _ base: Jinja.Expression, _ slice: Jinja.Slice, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Jinja.Value {
    let value = try evaluate(base, scope)
    let start = try bound(slice.start, scope)
    let stop = try bound(slice.stop, scope)
    let step = try bound(slice.step, scope)
    try refuseUndefined(value)
    switch value {
    case .string(let text):
      try spend(on: text)
      let scalars = Array(text.unicodeScalars)
      let indices = try indices(scalars.count, start, stop, step)
      return try make(Jinja.Text.string(indices.map { scalars[$0] }))
    case .list(let items):
      let indices = try indices(items.items.count, start, stop, step)
      return try makeList(indices.map { items.items[$0] })
    case .tuple(let items):
      let indices = try indices(items.items.count, start, stop, step)
      return try makeTuple(indices.map { items.items[$0] })
    case .range(let range): return .range(try part(of: range, start, stop, step))
    case .markup: throw failure(.unsupported, "slices of marked text are not supported")
    default:
      throw failure(.wrongType, "a \(value.typeName) has no slices")
    }
  }

  private func bound(
    _ expression: Jinja.Expression?, _ scope: Jinja.Scope
  ) throws(TemplateError) -> Int? {
    guard let expression else { return nil }
    let value = try evaluate(expression, scope)
    if value.isNone { return nil }
    guard let integer = value.integer else {
      throw failure(.unsupported, "a slice with a \(value.typeName) as bound is not supported")
    }
    return integer
  }

  /// The indices that a slice of `count` items takes, as Python's `slice.indices`.
  private func indices(
    _ count: Int, _ start: Int?, _ stop: Int?, _ step: Int?
  ) throws(TemplateError) -> [Int] {
    let (first, last, step) = try bounds(count, start, stop, step)
    try spend(count)
    return Array(stride(from: first, to: last, by: step))
  }

  private func bounds(
    _ count: Int, _ start: Int?, _ stop: Int?, _ step: Int?
  ) throws(TemplateError) -> (Int, Int, Int) {
    let step = step ?? 1
    guard step != 0 else { throw failure(.badValue, "the step of a slice is 0") }
    let lowest = step > 0 ? 0 : -1
    let highest = step > 0 ? count : count - 1
    func clamp(_ bound: Int) -> Int {
      bound < 0 ? max(lowest, bound < -count ? lowest : bound + count) : min(bound, highest)
    }
    let first = start.map(clamp) ?? (step > 0 ? lowest : highest)
    let last = stop.map(clamp) ?? (step > 0 ? highest : lowest)
    // A step beyond the items takes the first only, whatever its size.
    return (first, last, max(-count - 1, min(count + 1, step)))
  }

  private func part(
    of range: Jinja.Progression, _ start: Int?, _ stop: Int?, _ step: Int?
  ) throws(TemplateError) -> Jinja.Progression {
    let (first, last, stride) = try bounds(range.count, start, stop, step)
    let count =
      stride > 0
      ? max(0, (last - first + stride - 1) / stride) : max(0, (first - last - stride - 1) / -stride)
    return Jinja.Progression(
      start: range[first], stop: range[last], step: range.step &* stride, count: count)
  }
}
