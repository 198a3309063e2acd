import Foundation

extension Jinja {
  /// Filters that make numbers.
  static let numberFilters: [String: Filter] = [
    "int": { $0.filterInt },
    "float": { $0.filterFloat },
    "abs": { $0.filterAbs },
    "round": { $0.filterRound },
    "sum": { $0.filterSum },
    "min": { $0.extremeFilter("min", .less) },
    "max": { $0.extremeFilter("max", .greater) },
  ]
}

extension Jinja.Interpreter {
  fileprivate func filterInt(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "int", ["default", "base"])
    try refuseUndefined(value)
    let fallback = bound[0] ?? .int(0)
    if let integer = value.integer { return .int(integer) }
    if case .float(let number) = value {
      if number.isNaN { return fallback }
      return .int(try truncated(number))
    }
    guard let text = value.text else { return fallback }
    try spend(on: text)
    if let integer = Jinja.Numbers.int(text, base: try integer(bound[1], "int", or: 10)) {
      return .int(integer)
    }
    guard let number = Jinja.Numbers.float(text), number.isFinite else { return fallback }
    return .int(try truncated(number))
  }

  private func truncated(_ number: Double) throws(TemplateError) -> Int {
    guard let integer = Int(exactly: number.rounded(.towardZero)) else {
      throw failure(.unsupported, "an integer that does not fit in 64 bits")
    }
    return integer
  }

  fileprivate func filterFloat(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let fallback = try bind(arguments, "float", ["default"])[0] ?? .float(0)
    try refuseUndefined(value)
    if let number = value.number { return .float(number) }
    guard let text = value.text else { return fallback }
    try spend(on: text)
    return Jinja.Numbers.float(text).map { .float($0) } ?? fallback
  }

  fileprivate func filterAbs(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "abs", [])
    try refuseUndefined(value)
    if case .float(let number) = value { return .float(number.magnitude) }
    guard let integer = value.integer else {
      throw failure(.wrongType, "'abs' needs a number, not \(value.typeName)")
    }
    return integer < 0 ? try negate(.int(integer)) : .int(integer)
  }

  fileprivate func filterRound(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "round", ["precision", "method"])
    let precision = try integer(bound[0], "round", or: 0)
    let method = bound[1]?.text ?? "common"
    guard ["common", "ceil", "floor"].contains(method) else {
      throw failure(.badValue, "'round' knows 'common', 'ceil' and 'floor'")
    }
    try refuseUndefined(value)
    guard let number = value.number else {
      throw failure(.wrongType, "'round' needs a number, not \(value.typeName)")
    }
    guard (0...300).contains(precision) else {
      throw failure(.unsupported, "'round' to \(precision) digits is not supported")
    }
    if method == "common" {
      if let integer = value.integer { return .int(integer) }
      guard number.isFinite else { return .float(number) }
      return .float(Double(Jinja.Numbers.fixed(number, digits: precision)) ?? number)
    }
    let scale = pow(10, Double(precision))
    let scaled = (number * scale).rounded(method == "ceil" ? .up : .down)
    guard scaled.isFinite else { throw failure(.badValue, "'round' of what is not finite") }
    // Python's integers know no negative zero.
    return .float((scaled == 0 ? 0 : scaled) / scale)
  }

  fileprivate func filterSum(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "sum", ["attribute", "start"])
    let getter = try attributeGetter(bound[0].flatMap { $0.isNone ? nil : $0 })
    var total = bound[1] ?? .int(0)
    if total.text != nil { throw failure(.wrongType, "'sum' adds no strings; use 'join'") }
    for item in try elements(value) { total = try calculate(total, .add, try getter(item)) }
    return total
  }

  fileprivate func extremeFilter(
    _ name: String, _ comparison: Jinja.Comparison
  ) -> Jinja.FilterFunction {
    { (value, arguments) throws(TemplateError) in
      let bound = try self.bind(arguments, name, ["case_sensitive", "attribute"])
      let respectsCase = bound[0]?.isTrue ?? false
      let getter = try self.attributeGetter(bound[1].flatMap { $0.isNone ? nil : $0 })
      var best: (key: Jinja.Value, item: Jinja.Value)?
      for item in try self.elements(value) {
        let found = try getter(item)
        let key = respectsCase ? found : try self.ignoringCase(found)
        guard let current = best else {
          best = (key, item)
          continue
        }
        if try self.compare(key, comparison, current.key) { best = (key, item) }
      }
      return best?.item ?? .undefined(Jinja.Missing("No aggregated item, sequence was empty."))
    }
  }
}
