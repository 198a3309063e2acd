import Foundation

extension Jinja.Interpreter {
  func negate(_ value: Jinja.Value) throws(TemplateError) -> Jinja.Value {
    try refuseUndefined(value)
    if case .float(let number) = value { return .float(-number) }
    guard let integer = value.integer else {
      throw failure(.wrongType, "'-' before a \(value.typeName) has no meaning")
    }
    return .int(try whole(0.subtractingReportingOverflow(integer)))
  }

  func positive(_ value: Jinja.Value) throws(TemplateError) -> Jinja.Value {
    try refuseUndefined(value)
    if case .float = value { return value }
    guard let integer = value.integer else {
      throw failure(.wrongType, "'+' before a \(value.typeName) has no meaning")
    }
    return .int(integer)
  }

  private func whole(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
    guard !result.overflow else {
      throw failure(.unsupported, "an integer that does not fit in 64 bits")
    }
    return result.partialValue
  }

  /// Python's arithmetic, on numbers, texts and lists.
  func calculate(
    _ left: Jinja.Value, _ operation: Jinja.Arithmetic, _ right: Jinja.Value
  ) throws(TemplateError) -> Jinja.Value {
    if let a = left.integer, let b = right.integer { return try calculate(a, operation, b) }
    if let a = left.number, let b = right.number { return try calculate(a, operation, b) }
    // A string takes any value after its '%', so it is asked before undefined ones are refused.
    if operation == .modulo, let format = left.text {
      guard case .string = left else { throw failure(.unsupported, "'%' on marked text") }
      return try make(try formatPercent(format, right))
    }
    try refuseUndefined(left, right)
    if operation == .add, let sum = try add(left, right) { return sum }
    if operation == .multiply {
      if let count = right.integer, let product = try repeated(left, count) { return product }
      if let count = left.integer, let product = try repeated(right, count) { return product }
    }
    throw failure(
      .wrongType,
      "'\(operation.rawValue)' between \(left.typeName) and \(right.typeName) has no meaning")
  }

  private func add(_ left: Jinja.Value, _ right: Jinja.Value) throws(TemplateError) -> Jinja.Value?
  {
    switch (left, right) {
    case (.string(let a), .string(let b)):
      try checkSize(a.utf8.count + b.utf8.count)
      return try make(a + b)
    case (.markup(let a), .markup(let b)): return .markup(try text(try make(a + b)))
    case (.markup(let a), .string(let b)): return .markup(try text(try make(a + escapeHTML(b))))
    case (.string(let a), .markup(let b)): return .markup(try text(try make(escapeHTML(a) + b)))
    case (.list(let a), .list(let b)): return try makeList(a.items + b.items)
    case (.tuple(let a), .tuple(let b)): return try makeTuple(a.items + b.items)
    default: return nil
    }
  }

  private func repeated(_ value: Jinja.Value, _ count: Int) throws(TemplateError) -> Jinja.Value? {
    let count = max(0, count)
    switch value {
    case .string(let text):
      let (size, overflows) = text.utf8.count.multipliedReportingOverflow(by: count)
      try checkSize(overflows ? .max : size)
      // Nothing many times is nothing, which `String` would find out one by one.
      return size == 0 ? .string("") : try make(String(repeating: text, count: count))
    case .list(let items), .tuple(let items):
      let (size, overflows) = items.items.count.multipliedReportingOverflow(by: count)
      try spend(overflows ? .max : size)
      let repeated = (0..<(items.items.isEmpty ? 0 : count)).flatMap { _ in items.items }
      if case .list = value { return try makeList(repeated) }
      return try makeTuple(repeated)
    case .markup: throw failure(.unsupported, "'*' on marked text")
    default: return nil
    }
  }

  private func calculate(
    _ a: Int, _ operation: Jinja.Arithmetic, _ b: Int
  ) throws(TemplateError) -> Jinja.Value {
    switch operation {
    case .add: return .int(try whole(a.addingReportingOverflow(b)))
    case .subtract: return .int(try whole(a.subtractingReportingOverflow(b)))
    case .multiply: return .int(try whole(a.multipliedReportingOverflow(by: b)))
    case .power: return try power(a, b)
    case .divide, .floorDivide, .modulo: break
    }
    guard b != 0 else { throw failure(.badValue, "division by zero") }
    if operation == .divide { return .float(Double(a) / Double(b)) }
    let rest = b == -1 ? 0 : a % b
    let isFloored = rest != 0 && (rest < 0) != (b < 0)
    if operation == .modulo { return .int(isFloored ? rest + b : rest) }
    let quotient = try whole(a.dividedReportingOverflow(by: b))
    return .int(isFloored ? quotient - 1 : quotient)
  }

  private func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Jinja.Value {
    guard exponent >= 0 else { return try calculate(Double(base), .power, Double(exponent)) }
    var result = 1
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = try whole(result.multipliedReportingOverflow(by: square)) }
      rest >>= 1
      if rest > 0 {
        // Of 0, 1 and -1 every power fits.
        square = try whole(square.multipliedReportingOverflow(by: square))
      }
    }
    return .int(result)
  }

  private func calculate(
    _ a: Double, _ operation: Jinja.Arithmetic, _ b: Double
  ) throws(TemplateError) -> Jinja.Value {
    switch operation {
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .power:
      if a == 0, b < 0 { throw failure(.badValue, "0 to a negative power") }
      let result = pow(a, b)
      if a < 0, a.isFinite, b.isFinite, b != b.rounded() {
        throw failure(.unsupported, "complex numbers are not supported")
      }
      if result.isInfinite, a.isFinite, b.isFinite {
        throw failure(.badValue, "a power that is too large")
      }
      return .float(result)
    case .divide, .floorDivide, .modulo: break
    }
    guard b != 0 else { throw failure(.badValue, "division by zero") }
    if operation == .divide { return .float(a / b) }
    let rest = Jinja.Numbers.remainder(a, b)
    if operation == .modulo { return .float(rest) }
    return .float(((a - rest) / b).rounded())
  }

  /// What `escape` does to text: the five characters that HTML gives a meaning.
  func escapeHTML(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "'": result += "&#39;"
      case "\"": result += "&#34;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
