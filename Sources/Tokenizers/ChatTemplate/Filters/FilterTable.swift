extension Jinja {
  /// What a filter does, once it knows the rendering it is in.
  typealias Filter = @Sendable (Interpreter) -> FilterFunction
  typealias FilterFunction = (Value, CallArguments) throws(TemplateError) -> Value
  typealias Test = @Sendable (Interpreter) -> TestFunction
  typealias TestFunction = (Value, CallArguments) throws(TemplateError) -> Bool

  static let filters: [String: Filter] = textFilters.merging(sequenceFilters) { $1 }
    .merging(selectionFilters) { $1 }.merging(numberFilters) { $1 }

  /// Filters of Jinja that are not built here.
  static let unsupportedFilters: Set<String> = [
    "attr", "filesizeformat", "forceescape", "groupby", "pprint", "random", "slice", "striptags",
    "truncate", "urlencode", "urlize", "wordwrap", "xmlattr",
  ]

  /// What is wrong with a filter's name, if anything.
  static func missingFilter(_ name: String) -> TemplateError? {
    if filters[name] != nil { return nil }
    if unsupportedFilters.contains(name) {
      return TemplateError(.unsupported, "the filter '\(name)' is not supported")
    }
    return TemplateError(.syntax, "no filter named '\(name)'")
  }

  /// What is wrong with a test's name, if anything.
  static func missingTest(_ name: String) -> TemplateError? {
    tests[name] == nil ? TemplateError(.syntax, "no test named '\(name)'") : nil
  }
}

extension Jinja.Interpreter {
  func applyFilter(
    _ name: String, _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    guard let filter = Jinja.filters[name] else {
      let problem = Jinja.missingFilter(name) ?? TemplateError(.syntax, name)
      throw failure(problem.code, problem.message)
    }
    return try filter(self)(value, arguments)
  }

  func applyTest(
    _ name: String, _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Bool {
    guard let test = Jinja.tests[name] else {
      throw failure(.syntax, "no test named '\(name)'")
    }
    return try test(self)(value, arguments)
  }

  /// An optional argument that must be an integer.
  func integer(
    _ value: Jinja.Value?, _ function: String, or fallback: Int
  ) throws(TemplateError) -> Int {
    guard let value else { return fallback }
    try refuseUndefined(value)
    guard let integer = value.integer else {
      throw failure(.wrongType, "'\(function)' needs an integer, not \(value.typeName)")
    }
    return integer
  }
}
