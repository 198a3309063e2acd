/// The help pages, laid out for 80 columns.
package struct Help: Sendable {
  /// Where the second column begins.
  private static let column = 28
  private static let width = 79

  /// The parser whose commands are told of.
  package let parser: ArgumentParser

  /// Help for what `parser` reads.
  package init(_ parser: ArgumentParser) { self.parser = parser }

  /// The page for `words`: a command, a family of commands, or the tool.
  package func page(_ words: [String]) -> String {
    if let spec = parser.command(words) { return page(spec) }
    return words.isEmpty ? overview() : family(words)
  }

  private func overview() -> String {
    var lines = [
      "lorikeet: train, keep, compare and serve adapters off one frozen base model", "",
      "Usage: lorikeet COMMAND [OPTIONS]", "",
    ]
    for group in unique(parser.commands.map(\.group)) {
      lines.append(group)
      for spec in parser.commands where spec.group == group {
        lines += row(usage(spec), spec.summary)
      }
      lines.append("")
    }
    lines.append("Everywhere")
    for option in parser.globals { lines += row(option.usage, option.help) }
    lines += row("--help", "tell more; also 'lorikeet COMMAND --help'")
    lines += row("--version", "print the version")
    lines += ["", "First steps"]
    lines += [
      "  lorikeet base pull smollm2-135m-instruct", "  lorikeet train Adapters/intent-kwikemart",
      "  lorikeet chat intent-kwikemart", "",
      "A reference REF is name, name@VERSION, name:ALIAS, or base for the base alone.",
      "Exit codes: 0 done, 1 something wrong with the data, 2 with the command line.",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private func family(_ words: [String]) -> String {
    let name = words.joined(separator: " ")
    var lines = ["Usage: lorikeet \(name) COMMAND [OPTIONS]", ""]
    for spec in parser.commands(under: words) { lines += row(usage(spec), spec.summary) }
    lines += ["", "'lorikeet \(name) COMMAND --help' tells more."]
    return lines.joined(separator: "\n") + "\n"
  }

  private func page(_ spec: CommandSpec) -> String {
    var lines = wrap(spec.summary.prefix(1).uppercased() + spec.summary.dropFirst() + ".")
    lines += [
      "",
      "Usage: lorikeet \(spec.name) [OPTIONS] "
        + spec.positionals.map(\.usage).joined(separator: " "),
    ]
    lines[lines.count - 1] = trimmed(lines[lines.count - 1])
    for paragraph in spec.details { lines += [""] + wrap(paragraph) }
    if !spec.positionals.isEmpty {
      lines += ["", "Arguments"]
      for positional in spec.positionals { lines += row(positional.usage, positional.help) }
    }
    for section in unique(spec.options.map(\.section)) {
      lines += ["", section]
      for option in spec.options where option.section == section {
        lines += row(option.usage + (option.repeats ? " ..." : ""), option.help)
      }
    }
    lines += ["", "Everywhere"]
    for option in parser.globals { lines += row(option.usage, option.help) }
    if !spec.examples.isEmpty {
      lines += ["", "Examples"]
      for example in spec.examples {
        lines += wrap("# " + example.does, indent: 2)
        lines.append("  $ " + example.line)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func usage(_ spec: CommandSpec) -> String {
    ([spec.name] + spec.positionals.map(\.usage)).joined(separator: " ")
  }

  private func row(_ left: String, _ right: String) -> [String] {
    let text = wrap(right, indent: Help.column)
    let head = "  " + left
    guard head.count < Help.column - 1 else { return [head] + text }
    let gap = String(repeating: " ", count: Help.column - head.count)
    return [head + gap + (text.first ?? "").dropFirst(Help.column)] + text.dropFirst()
  }

  private func wrap(_ text: String, indent: Int = 0) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent + line.count + 1 + word.count > Help.width {
        lines.append(margin + line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [margin + line]
  }

  private func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }

  private func unique(_ names: [String]) -> [String] {
    var seen = Set<String>()
    return names.filter { seen.insert($0).inserted }
  }
}
