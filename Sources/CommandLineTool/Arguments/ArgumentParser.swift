/// Reads a command line against the specifications.
///
/// `--name value` and `--name=value` are the same; `--` ends the options; an argument that begins with one dash is an
/// option only where a letter follows, so that a prompt may begin with `- `.
package struct ArgumentParser: Sendable {
  /// What a command line asks for.
  package enum Request: Sendable {
    case run(ParsedCommand)
    /// Help for the words given; all of it where there are none.
    case help([String])
    case version
  }

  /// The commands that there are.
  package let commands: [CommandSpec]
  /// Options that every command takes.
  package let globals: [OptionSpec]

  /// A parser for these commands.
  package init(commands: [CommandSpec], globals: [OptionSpec]) {
    self.commands = commands
    self.globals = globals
  }

  /// Reads `arguments`, without the tool's own name.
  package func parse(_ arguments: [String]) throws(UsageError) -> Request {
    if let request = try helpOrVersion(arguments) { return request }
    var rest = arguments[...]
    var words: [String] = []
    var options: [String: [String]] = [:]
    while command(words) == nil, let token = rest.first {
      if isOption(token) {
        try take(option: &rest, from: globals, words: words, into: &options)
      } else {
        rest.removeFirst()
        words.append(token)
        try check(words)
      }
    }
    guard let spec = command(words) else {
      if words.isEmpty { return .help([]) }
      throw UsageError(
        "'\(words.joined(separator: " "))' needs a word more: " + nextWords(words),
        command: words.joined(separator: " "))
    }
    var parsed = ParsedCommand(spec: spec, options: options)
    var optionsEnded = false
    while let token = rest.first {
      if !optionsEnded, token == "--" {
        optionsEnded = true
        rest.removeFirst()
      } else if !optionsEnded, isOption(token) {
        try take(option: &rest, from: spec.options + globals, words: words, into: &parsed.options)
      } else {
        rest.removeFirst()
        parsed.positionals.append(token)
      }
    }
    try checkPositionals(parsed)
    return .run(parsed)
  }

  /// The command that `words` name exactly.
  package func command(_ words: [String]) -> CommandSpec? { commands.first { $0.path == words } }

  /// The commands whose words begin with `words`.
  package func commands(under words: [String]) -> [CommandSpec] {
    commands.filter { $0.path.starts(with: words) }
  }

  private func helpOrVersion(_ arguments: [String]) throws(UsageError) -> Request? {
    let head = arguments.prefix { $0 != "--" }
    guard let first = head.first else { return .help([]) }
    if first == "help" {
      let words = Array(arguments.dropFirst())
      if !words.isEmpty { try check(words) }
      return .help(words)
    }
    if head.contains("--help") || head.contains("-h") {
      var words: [String] = []
      for token in head where !token.hasPrefix("-") {
        guard command(words) == nil, !commands(under: words + [token]).isEmpty else { break }
        words.append(token)
      }
      if words.isEmpty, let word = head.first(where: { !$0.hasPrefix("-") }), word == first {
        try check([word])
      }
      return .help(words)
    }
    return first == "--version" || first == "-V" ? .version : nil
  }

  private func check(_ words: [String]) throws(UsageError) {
    guard commands(under: words).isEmpty else { return }
    let before = words.dropLast()
    let last = words.last ?? ""
    let known = Set(
      commands(under: Array(before)).compactMap { $0.path.dropFirst(before.count).first })
    let name = (before + [last]).joined(separator: " ")
    let near = didYouMeanOne(last, among: known.sorted())
    let list = near.isEmpty && !before.isEmpty ? "; there is " + nextWords(Array(before)) : near
    throw UsageError(
      "there is no command '\(name)'\(list)", command: before.joined(separator: " "))
  }

  private func nextWords(_ words: [String]) -> String {
    commands(under: words).compactMap { $0.path.dropFirst(words.count).first }
      .joined(separator: ", ")
  }

  private func isOption(_ token: String) -> Bool {
    guard token.hasPrefix("-"), let second = token.dropFirst().unicodeScalars.first else {
      return false
    }
    return second == "-" || (second.properties.isAlphabetic && !token.contains(" "))
  }

  private func take(
    option rest: inout ArraySlice<String>, from specs: [OptionSpec], words: [String],
    into options: inout [String: [String]]
  ) throws(UsageError) {
    let token = rest.removeFirst()
    let command = words.joined(separator: " ")
    let parts = token.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let written = String(parts[0])
    guard let spec = specs.first(where: { "--" + $0.name == written }) else {
      let near = didYouMeanOne(written, among: specs.map { "--" + $0.name })
      let place = words.isEmpty ? "here" : "for '\(command)'"
      throw UsageError("there is no option '\(written)' \(place)\(near)", command: command)
    }
    var value = ""
    if let placeholder = spec.value {
      if parts.count == 2 {
        value = String(parts[1])
      } else if let next = rest.first, !next.hasPrefix("--") {
        value = rest.removeFirst()
      } else {
        throw UsageError(
          "--\(spec.name) needs a value: --\(spec.name) \(placeholder)", command: command)
      }
    } else if parts.count == 2 {
      throw UsageError("--\(spec.name) takes no value", command: command)
    }
    if options[spec.name] != nil, !spec.repeats, spec.value != nil {
      throw UsageError("--\(spec.name) is given twice", command: command)
    }
    options[spec.name, default: []].append(value)
  }

  private func checkPositionals(_ parsed: ParsedCommand) throws(UsageError) {
    let specs = parsed.spec.positionals
    let needed = specs.filter { $0.count != .optional }
    if parsed.positionals.count < needed.count {
      let missing = needed[parsed.positionals.count]
      throw parsed.misuse("\(missing.name) is missing: \(missing.help)")
    }
    if !specs.contains(where: { $0.count == .several }), parsed.positionals.count > specs.count {
      let extra = parsed.positionals[specs.count]
      let advice =
        specs.last?.name == "PROMPT" || specs.last?.name == "PATH"
        ? "; put an argument with spaces in quotes" : ""
      throw parsed.misuse("unexpected argument '\(extra)'\(advice)")
    }
  }
}
