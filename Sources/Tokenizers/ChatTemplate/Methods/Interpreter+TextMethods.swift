extension Jinja.Interpreter {
  typealias Text = Jinja.Text

  /// Calls a method of a string.
  func callText(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    if let result = try changeCase(text, name, arguments) { return result }
    if let result = try classify(text, name, arguments) { return result }
    if let result = try search(text, name, arguments) { return result }
    if let result = try cut(text, name, arguments) { return result }
    return try fill(text, name, arguments)
  }

  private func changeCase(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value? {
    let change: (String) -> String
    switch name {
    case "upper": change = Text.upper
    case "lower": change = Text.lower
    case "title": change = Text.title
    case "capitalize": change = Text.capitalize
    case "casefold":
      guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
        throw failure(.unsupported, "'casefold' of letters outside ASCII is not supported")
      }
      change = Text.lower
    case "swapcase":
      guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
        throw failure(.unsupported, "'swapcase' of letters outside ASCII is not supported")
      }
      change = { text in
        text.unicodeScalars.reduce(into: "") {
          $0 +=
            $1.properties.isUppercase
            ? $1.properties.lowercaseMapping : $1.properties.uppercaseMapping
        }
      }
    default: return nil
    }
    _ = try bind(arguments, name, [])
    return try make(change(text))
  }

  private func classify(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value? {
    let scalars = text.unicodeScalars
    let result: Bool
    switch name {
    case "isdigit": result = !text.isEmpty && scalars.allSatisfy(Text.isDigit)
    case "isdecimal": result = !text.isEmpty && scalars.allSatisfy(Text.isDecimal)
    case "isnumeric": result = !text.isEmpty && scalars.allSatisfy(Text.isNumeric)
    case "isalpha": result = !text.isEmpty && scalars.allSatisfy(Text.isLetter)
    case "isalnum":
      result = !text.isEmpty && scalars.allSatisfy { Text.isLetter($0) || Text.isNumeric($0) }
    case "isspace": result = !text.isEmpty && scalars.allSatisfy(Text.isSpace)
    case "isascii": result = text.utf8.allSatisfy { $0 < 0x80 }
    case "isprintable": result = scalars.allSatisfy(Text.isPrintable)
    case "isupper": result = Text.isUpper(text)
    case "islower": result = Text.isLower(text)
    default: return nil
    }
    _ = try bind(arguments, name, [])
    return .bool(result)
  }

  // MARK: Searching

  private func search(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value? {
    guard
      ["find", "rfind", "index", "rindex", "count", "startswith", "endswith"].contains(name)
    else { return nil }
    guard arguments.named.isEmpty else {
      throw failure(.wrongType, "'\(name)' takes no named arguments")
    }
    let bound = try bind(arguments, name, ["sub", "start", "end"], required: 1)
    let length = text.unicodeScalars.count
    let start = try textBound(bound[1], length) ?? 0
    let end = min(try textBound(bound[2], length) ?? length, length)
    // Beyond the end or before the start nothing is found, not even the empty string.
    let isOutside = start > end
    let part = isOutside ? "" : self.part(text, start, end)
    if name == "startswith" || name == "endswith" {
      for affix in try affixes(bound[0] ?? .none, name) where !isOutside {
        let (whole, affix) = (part.utf8, affix.utf8)
        if name == "startswith"
          ? whole.starts(with: affix) : whole.reversed().starts(with: affix.reversed())
        {
          return .bool(true)
        }
      }
      return .bool(false)
    }
    let needle = try string(bound[0] ?? .none, name)
    if name == "count" {
      if isOutside { return .int(0) }
      if needle.isEmpty { return .int(end - start + 1) }
      return .int(Text.occurrences(of: Array(needle.utf8), in: Array(part.utf8)).count)
    }
    let fromRight = name.hasPrefix("r")
    if !isOutside, let place = place(of: needle, in: part, fromRight: fromRight) {
      return .int(start + place)
    }
    guard name.hasSuffix("find") else {
      throw failure(.badValue, "'\(name)' has not found its text")
    }
    return .int(-1)
  }

  private func part(_ text: String, _ start: Int, _ end: Int) -> String {
    let scalars = text.unicodeScalars
    let first = scalars.index(scalars.startIndex, offsetBy: start)
    return String(scalars[first..<scalars.index(first, offsetBy: end - start)])
  }

  /// Where `needle` is first, or last, found: in characters of `text`.
  private func place(of needle: String, in text: String, fromRight: Bool) -> Int? {
    if needle.isEmpty { return fromRight ? text.unicodeScalars.count : 0 }
    let pieces = Text.split(text, at: needle, limit: 1, fromRight: fromRight)
    return pieces.count == 2 ? pieces[0].unicodeScalars.count : nil
  }

  private func affixes(_ value: Jinja.Value, _ name: String) throws(TemplateError) -> [String] {
    guard case .tuple(let items) = value else { return [try string(value, name)] }
    var affixes: [String] = []
    for item in items.items { affixes.append(try string(item, name)) }
    return affixes
  }

  /// The text of an argument that must be a string; going through it is counted.
  func string(_ value: Jinja.Value, _ function: String) throws(TemplateError) -> String {
    try refuseUndefined(value)
    guard let text = value.text else {
      throw failure(.wrongType, "'\(function)' needs a string, not \(value.typeName)")
    }
    try spend(on: text)
    return text
  }

  // MARK: Cutting

  private func cut(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value? {
    switch name {
    case "strip", "lstrip", "rstrip":
      try refuseNamed(arguments, name)
      let characters = try bind(arguments, name, ["chars"])[0]
      let set = characters.flatMap { $0.isNone ? nil : $0 }
      return try make(
        Text.strip(
          text, try set.map { (set) throws(TemplateError) in try string(set, name) },
          left: name != "rstrip", right: name != "lstrip"))
    case "split", "rsplit": return try split(text, name, arguments)
    case "splitlines":
      let keeps = try bind(arguments, name, ["keepends"])[0]?.isTrue ?? false
      return try makeTexts(Text.lines(of: text, keepEnds: keeps))
    case "partition", "rpartition":
      try refuseNamed(arguments, name)
      let separator = try string(try bind(arguments, name, ["sep"], required: 1)[0] ?? .none, name)
      guard !separator.isEmpty else { throw failure(.badValue, "an empty separator") }
      let fromRight = name == "rpartition"
      let pieces = Text.split(text, at: separator, limit: 1, fromRight: fromRight)
      let parts =
        pieces.count == 2
        ? [pieces[0], separator, pieces[1]] : fromRight ? ["", "", text] : [text, "", ""]
      return try makeTuple(parts.map { .string($0) })
    case "replace":
      try refuseNamed(arguments, name)
      let bound = try bind(arguments, name, ["old", "new", "count"], required: 2)
      let limit = bound[2]?.integer ?? -1
      if let count = bound[2], count.integer == nil {
        throw failure(.wrongType, "'replace' needs an integer as count, not \(count.typeName)")
      }
      return try replace(
        text, try string(bound[0] ?? .none, name), try string(bound[1] ?? .none, name), limit)
    case "removeprefix", "removesuffix":
      try refuseNamed(arguments, name)
      let affix = try string(try bind(arguments, name, ["affix"], required: 1)[0] ?? .none, name)
      let (bytes, part) = (Array(text.utf8), Array(affix.utf8))
      if name == "removeprefix", bytes.starts(with: part) {
        return try make(String(decoding: bytes.dropFirst(part.count), as: UTF8.self))
      }
      if name == "removesuffix", bytes.reversed().starts(with: part.reversed()) {
        return try make(String(decoding: bytes.dropLast(part.count), as: UTF8.self))
      }
      return .string(text)
    default: return nil
    }
  }

  private func refuseNamed(
    _ arguments: Jinja.CallArguments, _ name: String
  ) throws(TemplateError) {
    guard arguments.named.isEmpty else {
      throw failure(.wrongType, "'\(name)' takes no named arguments")
    }
  }

  func makeTexts(_ texts: [String]) throws(TemplateError) -> Jinja.Value {
    try makeList(texts.map { .string($0) })
  }

  private func split(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    let bound = try bind(arguments, name, ["sep", "maxsplit"])
    let fromRight = name == "rsplit"
    var limit = -1
    if let given = bound[1] {
      guard let integer = given.integer else {
        throw failure(.wrongType, "'\(name)' needs an integer as maxsplit")
      }
      limit = integer
    }
    guard let separator = bound[0], !separator.isNone else {
      return try makeTexts(Text.splitWords(text, limit: limit, fromRight: fromRight))
    }
    let mark = try string(separator, name)
    guard !mark.isEmpty else { throw failure(.badValue, "an empty separator") }
    return try makeTexts(Text.split(text, at: mark, limit: limit, fromRight: fromRight))
  }

  /// `str.replace`, its size checked before it is made.
  func replace(
    _ text: String, _ old: String, _ new: String, _ limit: Int
  ) throws(TemplateError) -> Jinja.Value {
    for part in [text, old, new] { try spend(on: part) }
    let found =
      old.isEmpty
      ? text.unicodeScalars.count + 1
      : Text.occurrences(of: Array(old.utf8), in: Array(text.utf8)).count
    let (size, overflows) = found.multipliedReportingOverflow(by: new.utf8.count)
    try checkSize(overflows ? .max : size)
    return try make(Text.replace(text, old, new, limit: limit))
  }

  // MARK: Filling

  private func fill(
    _ text: String, _ name: String, _ arguments: Jinja.CallArguments
  ) throws(TemplateError) -> Jinja.Value {
    switch name {
    case "join":
      let items = try elements(try bind(arguments, name, ["iterable"], required: 1)[0] ?? .none)
      var texts: [String] = []
      for item in items { texts.append(try string(item, name)) }
      return try join(texts, text)
    case "format": return try make(try format(text, arguments))
    case "zfill", "ljust", "rjust", "center":
      let bound = try bind(arguments, name, ["width", "fillchar"], required: 1)
      guard let width = bound[0]?.integer else {
        throw failure(.wrongType, "'\(name)' needs an integer as width")
      }
      let fill = try bound[1].map { (fill) throws(TemplateError) in try string(fill, name) } ?? " "
      guard let scalar = fill.unicodeScalars.first, fill.unicodeScalars.count == 1 else {
        throw failure(.wrongType, "'\(name)' fills with one character")
      }
      return try make(try pad(text, name, width, scalar))
    default: throw failure(.unsupported, "'\(name)' of a str is not supported")
    }
  }

  /// The texts with a separator between them, its size checked before it is made.
  func join(_ texts: [String], _ separator: String) throws(TemplateError) -> Jinja.Value {
    var size = 0
    for text in texts {
      size += text.utf8.count + separator.utf8.count
      try checkSize(size)
    }
    return try make(texts.joined(separator: separator))
  }

  func pad(
    _ text: String, _ name: String, _ width: Int, _ fill: Unicode.Scalar
  ) throws(TemplateError) -> String {
    let missing = max(0, width) - text.unicodeScalars.count
    guard missing > 0 else { return text }
    try checkSize(missing)
    func filling(_ count: Int) -> String { String(repeating: String(fill), count: count) }
    switch name {
    case "ljust": return text + filling(missing)
    case "rjust": return filling(missing) + text
    case "center":
      // Python puts the odd one to the left when the width is odd.
      let left = missing / 2 + (missing & width & 1)
      return filling(left) + text + filling(missing - left)
    default:
      let sign = text.hasPrefix("+") || text.hasPrefix("-") ? String(text.prefix(1)) : ""
      return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
    }
  }
}
