extension Jinja.Interpreter {
  /// Python's `str(value)`: what `{{ value }}` prints.
  func text(_ value: Jinja.Value) throws(TemplateError) -> String {
    switch value {
    case .string(let text), .markup(let text): return text
    case .undefined: return ""
    default:
      var text = ""
      try describe(value, into: &text)
      return text
    }
  }

  /// Python's `repr(value)`.
  func describe(_ value: Jinja.Value, into text: inout String) throws(TemplateError) {
    try spend(1)
    try checkSize(text.utf8.count)
    switch value {
    case .undefined: text += "Undefined"
    case .none: text += "None"
    case .bool(let value): text += value ? "True" : "False"
    case .int(let value): text += "\(value)"
    case .float(let value): text += Jinja.Numbers.description(value)
    case .string(let string): try quote(string, into: &text)
    case .markup(let string):
      text += "Markup("
      try quote(string, into: &text)
      text += ")"
    case .list(let items):
      text += "["
      try describe(items.items, into: &text)
      text += "]"
    case .tuple(let items):
      text += "("
      try describe(items.items, into: &text)
      text += items.items.count == 1 ? ",)" : ")"
    case .dictionary(let dictionary): try describe(dictionary, into: &text)
    case .view(let view):
      text += "dict_\(view.kind.rawValue)(["
      try describe(try items(of: view), into: &text)
      text += "])"
    case .range(let range):
      text += "range(\(range.start), \(range.stop)"
      text += range.step == 1 ? ")" : ", \(range.step))"
    case .iterator, .namespace, .loop, .macro, .function, .method, .cycler, .joiner:
      throw failure(.unsupported, "a \(value.typeName) cannot be printed")
    }
  }

  private func describe(_ items: [Jinja.Value], into text: inout String) throws(TemplateError) {
    for (index, item) in items.enumerated() {
      if index > 0 { text += ", " }
      try describe(item, into: &text)
    }
  }

  private func describe(
    _ dictionary: Jinja.Dictionary, into text: inout String
  ) throws(TemplateError) {
    text += "{"
    for index in dictionary.keys.indices {
      if index > 0 { text += ", " }
      try describe(dictionary.keys[index], into: &text)
      text += ": "
      try describe(dictionary.values[index], into: &text)
    }
    text += "}"
  }

  /// `repr(str)`: single quotes unless only those stand inside.
  private func quote(_ string: String, into text: inout String) throws(TemplateError) {
    try spend(on: string)
    let isDouble = string.utf8.contains(0x27) && !string.utf8.contains(0x22)
    let quote: Unicode.Scalar = isDouble ? "\"" : "'"
    text.unicodeScalars.append(quote)
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\\": text += "\\\\"
      case quote:
        text += "\\"
        text.unicodeScalars.append(scalar)
      default:
        if Jinja.Text.isPrintable(scalar) {
          text.unicodeScalars.append(scalar)
        } else {
          let (mark, width) =
            scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x1_0000 ? ("u", 4) : ("U", 8)
          let digits = String(scalar.value, radix: 16)
          text += "\\" + mark + String(repeating: "0", count: width - digits.count) + digits
        }
      }
    }
    text.unicodeScalars.append(quote)
  }
}
