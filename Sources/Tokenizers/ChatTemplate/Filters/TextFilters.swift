extension Jinja {
  /// Filters that make text.
  static let textFilters: [String: Filter] = [
    "upper": { $0.caseFilter("upper", Text.upper) },
    "lower": { $0.caseFilter("lower", Text.lower) },
    "title": { $0.caseFilter("title", Text.titleWords) },
    "capitalize": { $0.caseFilter("capitalize", Text.capitalize) },
    "trim": { $0.filterTrim },
    "replace": { $0.filterReplace },
    "indent": { $0.filterIndent },
    "center": { $0.filterCenter },
    "string": { $0.filterString },
    "format": { $0.filterFormat },
    "wordcount": { $0.filterWordCount },
    "safe": { $0.filterSafe },
    "escape": { $0.filterEscape },
    "e": { $0.filterEscape },
    "tojson": { $0.filterJSON },
  ]
}

extension Jinja.Interpreter {
  /// The text of a value for a filter; marked text would stay marked, which is not built here.
  private func plainText(_ value: Jinja.Value, _ filter: String) throws(TemplateError) -> String {
    if case .markup = value {
      throw failure(.unsupported, "'\(filter)' on marked text is not supported")
    }
    let text = try text(value)
    try spend(on: text)
    return text
  }

  fileprivate func caseFilter(
    _ name: String, _ change: @escaping (String) -> String
  ) -> Jinja.FilterFunction {
    { (value, arguments) throws(TemplateError) in
      _ = try self.bind(arguments, name, [])
      return try self.make(change(try self.plainText(value, name)))
    }
  }

  fileprivate func filterTrim(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let characters = try bind(arguments, "trim", ["chars"])[0]
    var set: String?
    if let characters, !characters.isNone { set = try string(characters, "trim") }
    return try make(Text.strip(try plainText(value, "trim"), set))
  }

  fileprivate func filterReplace(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "replace", ["old", "new", "count"], required: 2)
    let count = bound[2].flatMap { $0.isNone ? nil : $0 }
    return try replace(
      try text(value), try text(bound[0] ?? .none), try text(bound[1] ?? .none),
      try integer(count, "replace", or: -1))
  }

  fileprivate func filterIndent(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, "indent", ["width", "first", "blank"])
    if case .markup = value {
      throw failure(.unsupported, "'indent' on marked text is not supported")
    }
    let whole = try string(value, "indent")
    var indent = bound[0]?.text ?? ""
    if bound[0]?.text == nil {
      let width = try integer(bound[0], "indent", or: 4)
      try checkSize(width)
      indent = String(repeating: " ", count: max(0, width))
    }
    try spend(on: indent)
    var lines = Text.lines(of: whole + "\n")
    let (size, overflows) = indent.utf8.count.multipliedReportingOverflow(by: lines.count)
    try checkSize(overflows ? .max : size)
    let indentsBlank = bound[2]?.isTrue ?? false
    for index in lines.indices where index > 0 && (indentsBlank || !lines[index].isEmpty) {
      lines[index] = indent + lines[index]
    }
    let text = lines.joined(separator: "\n")
    return try make((bound[1]?.isTrue ?? false) ? indent + text : text)
  }

  fileprivate func filterCenter(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let width = try integer(try bind(arguments, "center", ["width"])[0], "center", or: 80)
    return try make(try pad(try plainText(value, "center"), "center", width, " "))
  }

  fileprivate func filterString(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "string", [])
    if case .markup = value { return value }
    return try make(try text(value))
  }

  fileprivate func filterFormat(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let format = try plainText(value, "format")
    guard !arguments.named.isEmpty else {
      return try make(try formatPercent(format, try makeTuple(arguments.positional)))
    }
    guard arguments.positional.isEmpty else {
      throw failure(.badValue, "'format' takes values or named values, not both")
    }
    let pairs = arguments.named.map { (key: Jinja.Value.string($0.name), value: $0.value) }
    return try make(try formatPercent(format, try makeDictionary(pairs)))
  }

  fileprivate func filterWordCount(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "wordcount", [])
    let words = try plainText(value, "wordcount").unicodeScalars.split { !Text.isWord($0) }
    return .int(words.count)
  }

  fileprivate func filterSafe(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "safe", [])
    return .markup(try text(value))
  }

  fileprivate func filterEscape(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    _ = try bind(arguments, "escape", [])
    if case .markup = value { return value }
    let escaped = escapeHTML(try text(value))
    _ = try make(escaped)
    return .markup(escaped)
  }

  /// transformers' own `tojson`: nothing is escaped for HTML, and non-ASCII text stays as it is.
  fileprivate func filterJSON(
    _ value: Jinja.Value, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(
      arguments, "tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
    var style = JSONStyle()
    style.escapesNonASCII = bound[0]?.isTrue ?? false
    style.sortsKeys = bound[3]?.isTrue ?? false
    if let indent = bound[1], !indent.isNone {
      if let text = indent.text {
        style.indent = text
      } else {
        let width = try integer(indent, "tojson", or: 0)
        guard width <= 1024 else {
          throw failure(.limit, "'tojson' with an indent of more than 1024")
        }
        style.indent = String(repeating: " ", count: max(0, width))
      }
      style.itemSeparator = ","
    }
    if let separators = bound[2], !separators.isNone {
      let pair = try elements(separators)
      guard pair.count == 2 else {
        throw failure(.badValue, "'tojson' needs two separators")
      }
      style.itemSeparator = try string(pair[0], "tojson")
      style.keySeparator = try string(pair[1], "tojson")
    }
    return try make(try json(value, style))
  }
}
