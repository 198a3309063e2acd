extension Jinja.Interpreter {
  /// Python's `text.format(...)`.
  func format(_ text: String, _ arguments: Jinja.CallArguments) throws(TemplateError) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = ""
    var at = 0
    var automatic = 0
    var numbering: Bool?
    while at < scalars.count {
      let scalar = scalars[at]
      at += 1
      guard scalar == "{" || scalar == "}" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      if at < scalars.count, scalars[at] == scalar {
        result.unicodeScalars.append(scalar)
        at += 1
        continue
      }
      guard scalar == "{", let end = scalars[at...].firstIndex(where: { $0 == "}" || $0 == "{" })
      else { throw failure(.badValue, "a single '\(scalar)' in a format") }
      guard scalars[end] == "}" else {
        throw failure(.unsupported, "a format inside a format is not supported")
      }
      let field = Array(scalars[at..<end])
      at = end + 1
      let pieces = split(field)
      var value: Jinja.Value
      (value, numbering) = try argument(pieces.name, arguments, &automatic, numbering)
      value = try follow(pieces.path, from: value)
      result += try lay(value, pieces.conversion, pieces.specification)
      try checkSize(result.utf8.count)
    }
    return result
  }

  private struct Field {
    var name: String
    var path: [Unicode.Scalar]
    var conversion: [Unicode.Scalar]
    var specification: [Unicode.Scalar]
  }

  private func split(_ field: [Unicode.Scalar]) -> Field {
    var rest = field[...]
    var specification: [Unicode.Scalar] = []
    var conversion: [Unicode.Scalar] = []
    if let colon = rest.firstIndex(of: ":") {
      specification = Array(rest[(colon + 1)...])
      rest = rest[..<colon]
    }
    if let mark = rest.firstIndex(of: "!") {
      conversion = Array(rest[(mark + 1)...])
      rest = rest[..<mark]
      if conversion.isEmpty { conversion = ["?"] }
    }
    let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
    return Field(
      name: Text.string(rest[..<end]), path: Array(rest[end...]), conversion: conversion,
      specification: specification)
  }

  private func argument(
    _ name: String, _ arguments: Jinja.CallArguments, _ automatic: inout Int, _ numbering: Bool?
  ) throws(TemplateError) -> (Jinja.Value, Bool?) {
    try spend(1)
    let number = name.isEmpty ? automatic : Int(name)
    guard let number else {
      try spend(arguments.named.count)
      guard let named = arguments.named.first(where: { Text.equal($0.name, name) }) else {
        throw failure(.badValue, "the format's '\(name)' is missing")
      }
      return (named.value, numbering)
    }
    if let numbering, numbering != name.isEmpty {
      throw failure(.badValue, "a format numbers all its fields or none")
    }
    if name.isEmpty { automatic += 1 }
    guard arguments.positional.indices.contains(number) else {
      throw failure(.badValue, "the format's value \(number) is missing")
    }
    return (arguments.positional[number], name.isEmpty)
  }

  /// Goes along `.name` and `[key]`.
  private func follow(
    _ path: [Unicode.Scalar], from start: Jinja.Value
  ) throws(TemplateError) -> Jinja.Value {
    var value = start
    var at = 0
    while at < path.count {
      try spend(1)
      if path[at] == "." {
        let end = path[(at + 1)...].firstIndex { $0 == "." || $0 == "[" } ?? path.count
        value = try attribute(Text.string(path[(at + 1)..<end]), of: value)
        at = end
      } else {
        guard path[at] == "[", let end = path[at...].firstIndex(of: "]") else {
          throw failure(.badValue, "a bad field in a format")
        }
        let key = Text.string(path[(at + 1)..<end])
        value = try item(Int(key).map { .int($0) } ?? .string(key), of: value)
        at = end + 1
      }
    }
    return value
  }

  private func lay(
    _ value: Jinja.Value, _ conversion: [Unicode.Scalar], _ layout: [Unicode.Scalar]
  ) throws(TemplateError) -> String {
    var value = value
    switch Text.string(conversion) {
    case "": break
    case "s": value = .string(try text(value))
    case "r":
      var described = ""
      try describe(value, into: &described)
      value = .string(described)
    default: throw failure(.unsupported, "this conversion in a format is not supported")
    }
    if layout.isEmpty { return try text(value) }
    var specification = try specification(layout)
    try spend((specification.precision ?? 0) / 16)
    let type = specification.type
    if let string = value.text, type == nil || type == "s" {
      guard specification.alignment != "=", specification.grouping == nil else {
        throw failure(.badValue, "a layout for numbers, of a string")
      }
      let cut = Text.string(string.unicodeScalars.prefix(specification.precision ?? .max))
      return specification.lay(cut, towards: "<")
    }
    try refuseUndefined(value)
    if specification.fill == "0", specification.alignment == nil { specification.alignment = "=" }
    if case .bool = value, type == nil {
      throw failure(.unsupported, "a layout of a truth value is not supported")
    }
    if let integer = value.integer, specification.precision == nil,
      let digits = specification.digits(of: integer.magnitude)
    {
      return specification.lay(number: digits, isNegative: integer < 0)
    }
    guard let number = value.number, let digits = specification.digits(of: number) else {
      throw failure(.unsupported, "this layout of a \(value.typeName) is not supported")
    }
    return specification.lay(number: digits, isNegative: number.sign == .minus && !number.isNaN)
  }

  private func specification(
    _ layout: [Unicode.Scalar]
  ) throws(TemplateError) -> Jinja.FormatSpecification {
    var result = Jinja.FormatSpecification()
    var rest = layout[...]
    let alignments: [Unicode.Scalar] = ["<", ">", "^", "="]
    if rest.count >= 2, alignments.contains(rest[rest.startIndex + 1]) {
      result.fill = rest.removeFirst()
      result.alignment = rest.removeFirst()
    } else if let first = rest.first, alignments.contains(first) {
      result.alignment = rest.removeFirst()
    }
    if let sign = rest.first, sign == "+" || sign == "-" || sign == " " {
      result.sign = rest.removeFirst()
    }
    if rest.first == "#" {
      result.isAlternate = true
      rest.removeFirst()
    }
    if rest.first == "0", result.alignment == nil {
      result.fill = "0"
      rest.removeFirst()
    }
    result.width = try size(&rest) ?? 0
    if let grouping = rest.first, grouping == "," || grouping == "_" {
      guard result.fill != "0" else {
        throw failure(.unsupported, "zeros before grouped digits are not supported")
      }
      result.grouping = rest.removeFirst()
    }
    if rest.first == "." {
      rest.removeFirst()
      result.precision = try size(&rest)
      guard result.precision != nil else { throw failure(.badValue, "a format without precision") }
    }
    result.type = rest.popFirst()
    guard rest.isEmpty else { throw failure(.badValue, "a bad layout in a format") }
    return result
  }

  private func size(_ rest: inout ArraySlice<Unicode.Scalar>) throws(TemplateError) -> Int? {
    let digits = rest.prefix { $0 >= "0" && $0 <= "9" }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    guard let size = Int(Text.string(digits)), size <= Jinja.FormatSpecification.largest else {
      throw failure(.limit, "a width of more than 4096 in a format")
    }
    return size
  }
}
