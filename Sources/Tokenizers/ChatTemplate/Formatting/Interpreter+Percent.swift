extension Jinja.Interpreter {
  /// Python's `format % values`.
  func formatPercent(_ format: String, _ values: Jinja.Value) throws(TemplateError) -> String {
    try spend(on: format)
    var reader = PercentReader(
      interpreter: self, scalars: Array(format.unicodeScalars), values: values)
    return try reader.run()
  }
}

private struct PercentReader {
  let interpreter: Jinja.Interpreter
  let scalars: [Unicode.Scalar]
  let mapping: Jinja.Dictionary?
  /// Whether values may be left over: Python allows it for whatever has items.
  let mayLeave: Bool
  private let arguments: [Jinja.Value]
  private var used = 0
  private var at = 0

  init(interpreter: Jinja.Interpreter, scalars: [Unicode.Scalar], values: Jinja.Value) {
    self.interpreter = interpreter
    self.scalars = scalars
    if case .tuple(let items) = values { arguments = items.items } else { arguments = [values] }
    if case .dictionary(let dictionary) = values { mapping = dictionary } else { mapping = nil }
    switch values {
    case .dictionary, .list, .range, .undefined: mayLeave = true
    default: mayLeave = false
    }
  }

  private var current: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

  private func bad(_ message: String) -> TemplateError { interpreter.failure(.badValue, message) }

  mutating func run() throws(TemplateError) -> String {
    var result = ""
    while let scalar = current {
      at += 1
      if scalar == "%" {
        result += try readDirective()
        try interpreter.checkSize(result.utf8.count)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    guard used == arguments.count || mayLeave else {
      throw interpreter.failure(.wrongType, "more values than the format asks for")
    }
    return result
  }

  private mutating func readDirective() throws(TemplateError) -> String {
    var specification = Jinja.FormatSpecification()
    var named: Jinja.Value?
    if current == "(" { named = try readName() }
    readFlags(&specification)
    specification.width = try readSize() ?? 0
    if current == "." {
      at += 1
      specification.precision = try readSize() ?? 0
    }
    guard let type = current else { throw bad("an incomplete format") }
    at += 1
    try interpreter.spend(1 + (specification.precision ?? 0) / 16)
    if type == "%" { return "%" }
    let value: Jinja.Value
    if let named { value = named } else { value = try nextArgument() }
    specification.type = type
    return try lay(value, type, specification)
  }

  private mutating func readName() throws(TemplateError) -> Jinja.Value {
    guard let mapping else { throw interpreter.failure(.wrongType, "a format needs a dict") }
    guard let end = scalars[at...].firstIndex(of: ")") else { throw bad("an incomplete format") }
    let name = Jinja.Text.string(scalars[(at + 1)..<end])
    at = end + 1
    guard let value = mapping[.text(name)] else { throw bad("the format's '\(name)' is missing") }
    return value
  }

  private mutating func readFlags(_ specification: inout Jinja.FormatSpecification) {
    while let flag = current {
      switch flag {
      case "-": specification.alignment = "<"
      case "0":
        specification.fill = "0"
        specification.alignment = specification.alignment ?? "="
      case "+": specification.sign = "+"
      case " ": specification.sign = specification.sign == "+" ? "+" : " "
      case "#": specification.isAlternate = true
      default: return
      }
      at += 1
    }
  }

  private mutating func readSize() throws(TemplateError) -> Int? {
    if current == "*" { throw interpreter.failure(.unsupported, "'*' in a format") }
    let start = at
    while let digit = current, digit >= "0", digit <= "9" { at += 1 }
    guard at > start else { return nil }
    guard let size = Int(Jinja.Text.string(scalars[start..<at])),
      size <= Jinja.FormatSpecification.largest
    else { throw interpreter.failure(.limit, "a width of more than 4096 in a format") }
    return size
  }

  private mutating func nextArgument() throws(TemplateError) -> Jinja.Value {
    guard used < arguments.count else {
      throw interpreter.failure(.wrongType, "fewer values than the format asks for")
    }
    used += 1
    return arguments[used - 1]
  }

  private func lay(
    _ value: Jinja.Value, _ type: Unicode.Scalar, _ given: Jinja.FormatSpecification
  ) throws(TemplateError) -> String {
    var specification = given
    switch type {
    case "s", "r":
      var text = ""
      if type == "s" {
        text = try interpreter.text(value)
      } else {
        try interpreter.describe(value, into: &text)
      }
      if let precision = specification.precision {
        text = Jinja.Text.string(text.unicodeScalars.prefix(precision))
      }
      specification.fill = " "
      if specification.alignment == "=" { specification.alignment = nil }
      return specification.lay(text, towards: ">")
    case "d", "i", "u", "x", "X", "o":
      try interpreter.refuseUndefined(value)
      guard specification.precision == nil else {
        throw interpreter.failure(.unsupported, "a precision of an integer in a format")
      }
      var integer = value.integer
      if integer == nil, "diu".unicodeScalars.contains(type), case .float(let number) = value {
        integer = Int(exactly: number.rounded(.towardZero))
      }
      guard let integer, let digits = specification.digits(of: integer.magnitude) else {
        throw interpreter.failure(.wrongType, "'%\(type)' needs an integer")
      }
      return specification.lay(number: digits, isNegative: integer < 0)
    case "f", "F", "e", "E", "g", "G":
      try interpreter.refuseUndefined(value)
      guard let number = value.number, let digits = specification.digits(of: number) else {
        throw interpreter.failure(.wrongType, "'%\(type)' needs a number")
      }
      return specification.lay(number: digits, isNegative: number.sign == .minus && !number.isNaN)
    default: throw interpreter.failure(.unsupported, "'%\(type)' in a format is not supported")
    }
  }
}
