extension Jinja.Interpreter {
  /// `value.name`: an attribute of the object before an item of that key.
  func attribute(_ name: String, of value: Jinja.Value) throws(TemplateError) -> Jinja.Value {
    if let attribute = try objectAttribute(name, of: value) { return attribute }
    if case .dictionary(let dictionary) = value, let item = dictionary[.text(name)] { return item }
    return .undefined(Jinja.Missing("\(described(value)) has no attribute '\(name)'"))
  }

  /// `value[index]`: an item of that key before an attribute of the object.
  func item(_ index: Jinja.Value, of value: Jinja.Value) throws(TemplateError) -> Jinja.Value {
    try refuseUndefined(value)
    switch value {
    case .dictionary(let dictionary):
      // What cannot be a key is undefined too: Jinja takes any refused subscript so.
      switch index {
      case .list, .dictionary: break
      default: if let item = dictionary[try key(index)] { return item }
      }
    case .list(let items), .tuple(let items):
      if let place = place(index, in: items.items.count) { return items.items[place] }
    case .range(let range):
      if let place = place(index, in: range.count) { return .int(range[place]) }
    case .string(let text), .markup(let text):
      try spend(on: text)
      let scalars = text.unicodeScalars
      if let place = place(index, in: scalars.count) {
        return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: place)]))
      }
    default: break
    }
    if let name = index.text {
      try spend(on: name)
      if let attribute = try objectAttribute(name, of: value) { return attribute }
    }
    let element = index.text.map { "attribute '\($0)'" } ?? "such element"
    return .undefined(Jinja.Missing("\(described(value)) has no \(element)"))
  }

  private func place(_ index: Jinja.Value, in count: Int) -> Int? {
    guard let index = index.integer else { return nil }
    if index >= 0 { return index < count ? index : nil }
    return index >= -count ? index + count : nil
  }

  private func described(_ value: Jinja.Value) -> String {
    value.isNone ? "None" : "a \(value.typeName)"
  }

  /// What Python's `getattr` finds, as far as the sandbox lets a template have it; nil where there
  /// is nothing.
  private func objectAttribute(
    _ name: String, of value: Jinja.Value
  ) throws(TemplateError) -> Jinja.Value? {
    switch value {
    case .undefined: try refuseUndefined(value)
    case .namespace(let namespace): return namespace.values[name]
    case .loop(let loop):
      if let attribute = try loop.attribute(name, self) { return attribute }
    case .cycler(let cycler):
      if name == "current" { return cycler.items.items[cycler.position] }
    case .macro(let closure):
      if name == "name" { return .string(closure.macro.name) }
    case .range(let range):
      let bounds = ["start": range.start, "stop": range.stop, "step": range.step]
      if let bound = bounds[name] { return .int(bound) }
    default: break
    }
    guard let attributes = Jinja.pythonAttributes[value.typeName] else {
      if name.hasPrefix("_") { return unsafe(name, of: value) }
      return nil
    }
    if attributes.methods.contains(name) { return .method(Jinja.Method(value, name)) }
    if attributes.unsafe.contains(name) || (name.hasPrefix("__") && name.hasSuffix("__")) {
      return unsafe(name, of: value)
    }
    if attributes.unsupported.contains(name) {
      throw failure(.unsupported, "'\(name)' of a \(value.typeName) is not supported")
    }
    return nil
  }

  private func unsafe(_ name: String, of value: Jinja.Value) -> Jinja.Value {
    .undefined(
      Jinja.Missing(
        "access to attribute '\(name)' of a \(value.typeName) is unsafe", code: .badValue))
  }
}

extension Jinja {
  /// The public attributes of one of Python's types.
  struct PythonAttributes: Sendable {
    /// Methods that a template may call.
    var methods: Set<String> = []
    /// What the sandbox hides, since it would change the object.
    var unsafe: Set<String> = []
    /// What exists in Python and is not built here.
    var unsupported: Set<String> = []
  }

  /// By the type's name in Python.
  static let pythonAttributes: [String: PythonAttributes] = [
    "str": PythonAttributes(methods: textMethods, unsupported: unsupportedTextMethods),
    "Markup": PythonAttributes(
      unsupported: textMethods.union(unsupportedTextMethods).union([
        "unescape", "striptags", "escape",
      ])),
    "dict": PythonAttributes(
      methods: ["get", "keys", "values", "items", "copy"],
      unsafe: ["clear", "pop", "popitem", "setdefault", "update"], unsupported: ["fromkeys"]),
    "list": PythonAttributes(
      methods: ["index", "count", "copy"],
      unsafe: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]),
    "tuple": PythonAttributes(methods: ["index", "count"]),
    "range": PythonAttributes(methods: ["index", "count"]),
    "int": PythonAttributes(unsupported: numberAttributes),
    "bool": PythonAttributes(unsupported: numberAttributes),
    "float": PythonAttributes(
      unsupported: numberAttributes.union(["is_integer", "hex", "fromhex"])),
    "dict_keys": PythonAttributes(unsupported: ["mapping", "isdisjoint"]),
    "dict_items": PythonAttributes(unsupported: ["mapping", "isdisjoint"]),
    "dict_values": PythonAttributes(unsupported: ["mapping"]),
    "generator": PythonAttributes(
      unsafe: ["gi_frame", "gi_code"],
      unsupported: ["send", "throw", "close", "gi_running", "gi_yieldfrom", "gi_suspended"]),
    "LoopContext": PythonAttributes(),
    "Cycler": PythonAttributes(methods: ["next", "reset"], unsupported: ["items", "pos"]),
    "Joiner": PythonAttributes(unsupported: ["sep", "used"]),
    "Macro": PythonAttributes(
      unsupported: [
        "arguments", "catch_kwargs", "catch_varargs", "caller", "explicit_caller",
      ]),
    "function": PythonAttributes(methods: ["fromkeys"]),
  ]

  private static let textMethods: Set<String> = [
    "upper", "lower", "title", "capitalize", "swapcase", "casefold", "strip", "lstrip",
    "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "removeprefix",
    "removesuffix", "replace", "find", "rfind", "index", "rindex", "count", "join",
    "partition", "rpartition", "isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum",
    "isspace", "isupper", "islower", "isascii", "isprintable", "zfill", "ljust", "rjust",
    "center", "format",
  ]

  private static let unsupportedTextMethods: Set<String> = [
    "encode", "translate", "maketrans", "expandtabs", "format_map", "istitle", "isidentifier",
  ]

  private static let numberAttributes: Set<String> = [
    "real", "imag", "numerator", "denominator", "conjugate", "bit_length", "bit_count", "to_bytes",
    "from_bytes", "as_integer_ratio",
  ]
}
