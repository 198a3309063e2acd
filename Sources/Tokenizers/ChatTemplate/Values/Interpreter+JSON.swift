extension Jinja.Interpreter {
  /// How `tojson` writes.
  struct JSONStyle {
    var escapesNonASCII = false
    var indent: String?
    var itemSeparator = ", "
    var keySeparator = ": "
    var sortsKeys = false
  }

  /// Python's `json.dumps`.
  func json(_ value: Jinja.Value, _ style: JSONStyle) throws(TemplateError) -> String {
    var text = ""
    try writeJSON(value, style, level: 0, into: &text)
    return text
  }

  private func writeJSON(
    _ value: Jinja.Value, _ style: JSONStyle, level: Int, into text: inout String
  ) throws(TemplateError) {
    try spend(1)
    try checkSize(text.utf8.count)
    switch value {
    case .string(let string), .markup(let string): try writeJSON(string, style, into: &text)
    case .list(let items), .tuple(let items):
      guard !items.items.isEmpty else {
        text += "[]"
        return
      }
      text += "["
      for (index, item) in items.items.enumerated() {
        separate(index, style, level: level + 1, into: &text)
        try writeJSON(item, style, level: level + 1, into: &text)
      }
      breakLine(style, level: level, into: &text)
      text += "]"
    case .dictionary(let dictionary):
      try writeJSON(dictionary, style, level: level, into: &text)
    default:
      guard let plain = plainJSON(value) else {
        throw failure(.wrongType, "a \(value.typeName) cannot be told as JSON")
      }
      text += plain
    }
  }

  private func writeJSON(
    _ dictionary: Jinja.Dictionary, _ style: JSONStyle, level: Int, into text: inout String
  ) throws(TemplateError) {
    guard !dictionary.keys.isEmpty else {
      text += "{}"
      return
    }
    var order = Array(dictionary.keys.indices)
    if style.sortsKeys {
      order = try sorted(order) { (index) throws(TemplateError) in dictionary.keys[index] }
    }
    text += "{"
    for (place, index) in order.enumerated() {
      separate(place, style, level: level + 1, into: &text)
      let key = dictionary.keys[index]
      guard let name = key.text ?? plainJSON(key) else {
        throw failure(.wrongType, "a \(key.typeName) cannot be a key of JSON")
      }
      try writeJSON(name, style, into: &text)
      text += style.keySeparator
      try writeJSON(dictionary.values[index], style, level: level + 1, into: &text)
    }
    breakLine(style, level: level, into: &text)
    text += "}"
  }

  private func plainJSON(_ value: Jinja.Value) -> String? {
    switch value {
    case .none: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "\(value)"
    case .float(let value):
      value.isNaN
        ? "NaN"
        : value.isInfinite
          ? (value < 0 ? "-Infinity" : "Infinity") : Jinja.Numbers.description(value)
    default: nil
    }
  }

  private func separate(_ index: Int, _ style: JSONStyle, level: Int, into text: inout String) {
    if index > 0 { text += style.itemSeparator }
    breakLine(style, level: level, into: &text)
  }

  private func breakLine(_ style: JSONStyle, level: Int, into text: inout String) {
    guard let indent = style.indent else { return }
    text += "\n" + String(repeating: indent, count: level)
  }

  private func writeJSON(
    _ string: String, _ style: JSONStyle, into text: inout String
  ) throws(TemplateError) {
    try spend(on: string)
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar.value {
      case 0x22: text += "\\\""
      case 0x5c: text += "\\\\"
      case 0x0a: text += "\\n"
      case 0x0d: text += "\\r"
      case 0x09: text += "\\t"
      case 0x0c: text += "\\f"
      case 0x08: text += "\\b"
      case 0..<0x20: text += escape(UInt16(scalar.value))
      case 0x7f... where style.escapesNonASCII:
        for unit in String(scalar).utf16 { text += escape(unit) }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  private func escape(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
