import Adapters
import Digests
import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let importAdapter = Command(
    CommandSpec(
      "import", group: "Registry", summary: "take in an adapter that PEFT saved, or a bundle",
      details: [
        "DIR holds adapter_config.json and adapter_model.safetensors, as save_pretrained writes "
          + "them: LoRA and rsLoRA on linear layers and the embedding, trained biases, and a head or "
          + "embedding kept whole by modules_to_save. Nothing is published unless every tensor has "
          + "its layer in the base, every layer its tensors, and all weights are finite. A prompt_contract.json (of an export) or "
          + "chat_template.jinja (of a trainer) in DIR says how it is asked; else it is asked as "
          + "the base is. The same adapter again is the same version.",
        "A FILE is a bundle that 'export --bundle' wrote. All of it is checked, and taken in whole or "
          + "not at all. Numbers that are taken here change; aliases are told, not moved.",
      ],
      positionals: [PositionalSpec("DIR", help: "the directory, or a bundle's file")],
      options: [
        OptionSpec(
          "name", "NAME",
          help: "what to call it (default: the bundle's name, or one made of the directory's)"),
        OptionSpec("base", "NAME", help: "the base it was trained on (default: the only one)"),
        OptionSpec("system", "TEXT", help: "what the system is always told first"),
        OptionSpec("note", "TEXT", help: "a word about it"),
      ],
      examples: [
        ExampleSpec("lorikeet import out/checkpoint-300 --name acme/support", "a PEFT directory"),
        ExampleSpec(
          "lorikeet import support --base smollm2-135m-instruct --json",
          "the report on every layer, for a script"),
        ExampleSpec("lorikeet import support.bundle", "what another registry exported"),
      ])
  ) { session in
    let path = session.argument(0)
    guard FileManager.default.fileExists(atPath: path) else {
      throw WorkspaceError(
        .badRequest, "there is nothing at '\(path)'; give a directory or a bundle's file")
    }
    if isFile(path) { return try session.importBundle(path) }
    let name =
      try session.arguments.string("name")
      ?? Workspace.name(after: path)
    let outcome = try session.workspace().importAdapter(
      directory: path, name: name, base: session.arguments.string("base"),
      system: session.arguments.string("system"), note: session.arguments.string("note"))
    session.tell(outcome)
  }

  static let exportAdapter = Command(
    CommandSpec(
      "export", group: "Registry", summary: "write a version as a directory that PEFT loads",
      details: [
        "Writes adapter_config.json and adapter_model.safetensors: "
          + "PeftModel.from_pretrained(model, DIR) gives the same answers. Beside them stands "
          + "prompt_contract.json, so that an import elsewhere asks it as it was trained. A "
          + "directory that holds an adapter already is left alone.",
        "With --bundle, one file for another registry instead: weights, base record, run with its "
          + "curve, evaluations with answers, tags, notes and aliases.",
      ],
      positionals: [
        PositionalSpec("REF", help: "name, name@VERSION or name:ALIAS"),
        PositionalSpec("DIR", .optional, help: "the directory to make"),
      ],
      options: [
        OptionSpec("bundle", "FILE", help: "write this one file instead"),
        OptionSpec("all", help: "all versions of the name, not one; with --bundle"),
        OptionSpec("replace", help: "a file that is there gives way; with --bundle"),
      ],
      examples: [
        ExampleSpec("lorikeet export intent-kwikemart@1 out/intent", "version 1"),
        ExampleSpec("lorikeet export acme/support:production out/support", "what serves now"),
        ExampleSpec(
          "lorikeet export acme/support --all --bundle support.bundle", "for another registry"),
      ])
  ) { session in
    if let file = session.arguments.string("bundle") { return try session.exportBundle(file) }
    for flag in ["all", "replace"] where session.arguments.flag(flag) {
      throw session.arguments.misuse("--\(flag) goes with --bundle")
    }
    guard let path = session.arguments.positional(1) else {
      throw session.arguments.misuse("DIR is missing; give it, or --bundle FILE")
    }
    let version = try session.workspace().exportAdapter(session.argument(0), directory: path)
    session.say(
      "\(version.reference) (\(version.digest.short), \(humanSize(version.size))) is in '\(path)'",
      [
        "reference": .string(version.reference), "digest": .string(version.digest.hex),
        "directory": .string(path),
      ])
  }
}

extension Session {
  fileprivate func tell(_ outcome: ImportOutcome) {
    let (version, coverage) = (outcome.version, outcome.coverage)
    if console.json {
      var json = version.json.objectValue ?? JSONObject([])
      json["isNew"] = .bool(outcome.isNew)
      json["ownContract"] = .bool(outcome.hasOwnContract)
      json["coverage"] = coverage.json
      return console.result(.object(json))
    }
    console.line(
      outcome.isNew
        ? "imported \(console.bold(version.reference)) (\(version.digest.short), "
          + "\(humanSize(version.size))) for \(version.baseName)"
        : "\(console.bold(version.reference)) is this adapter already; nothing was added")
    console.line(
      "\(counted(coverage.layerCount, "layer")) changed, "
        + "\(grouped(coverage.untouched.count)) left alone; "
        + "\(humanCount(coverage.parameterCount)) parameters")
    tell(moduleTable(coverage))
    if outcome.hasOwnContract {
      console.note(
        "note: asked by the prompt contract or template of its directory, not the base's")
    }
    if !coverage.unused.isEmpty {
      console.note("note: matched no layer: \(coverage.unused.joined(separator: ", "))")
    }
  }

  /// The layers by the last word of their path and by what is done: how many, and the norms of their changes.
  private func moduleTable(_ coverage: CoverageReport) -> Table {
    var table = Table([
      .init("MODULE"), .init("LAYERS", isNumber: true), .init("RANK", isNumber: true),
      .init("SCALE", isNumber: true), .init("SMALLEST NORM", isNumber: true),
      .init("LARGEST", isNumber: true),
    ])
    let modules = Dictionary(grouping: coverage.entries) { entry in
      (entry.path.split(separator: ".").last.map(String.init) ?? entry.path) + entry.change.ending
    }
    let ordered = modules.sorted { ($0.value[0].slot, $0.key) < ($1.value[0].slot, $1.key) }
    for (module, entries) in ordered {
      let norms = entries.map(\.norm)
      let factors = entries.compactMap(\.change.factors)
      table.add([
        module, "\(entries.count)", span(factors.map { "\($0.rank)" }),
        span(factors.map { brief(Double($0.scale)) }), fixed(norms.min() ?? 0, digits: 3),
        fixed(norms.max() ?? 0, digits: 3),
      ])
    }
    return table
  }

  /// The one value that all have, or how many there are; a dash for none.
  private func span(_ values: [String]) -> String {
    let different = Set(values)
    guard !different.isEmpty else { return "-" }
    return different.count == 1 ? values[0] : "\(different.count) values"
  }
}

extension CoverageReport.Change {
  /// What is put after a module's name.
  fileprivate var ending: String {
    switch self {
    case .lowRank: ""
    case .addedBias: ", added bias"
    case .bias: ", bias"
    case .weight: ", whole"
    }
  }

  /// Rank and scale, where it is by low rank.
  fileprivate var factors: (rank: Int, scale: Float)? {
    if case .lowRank(let rank, let scale) = self { (rank, scale) } else { nil }
  }

  /// The name in JSON.
  fileprivate var name: String {
    switch self {
    case .lowRank: "low rank"
    case .addedBias: "added bias"
    case .bias: "bias"
    case .weight: "weight"
    }
  }
}

extension CoverageReport {
  fileprivate var json: JSONValue {
    [
      "parameters": .int(parameterCount), "layers": .array(entries.map(\.json)),
      "untouched": .array(untouched.map { .string($0) }),
      "unused": .array(unused.map { .string($0) }),
    ]
  }
}

extension CoverageReport.Entry {
  fileprivate var json: JSONValue {
    var json: JSONObject = JSONObject([
      ("path", .string(path)), ("tensors", .array(tensors.map { .string($0) })),
      ("change", .string(change.name)), ("norm", .double(norm)),
    ])
    if let (rank, scale) = change.factors {
      json["rank"] = .int(rank)
      json["scale"] = .double(Double(scale))
    }
    return .object(json)
  }
}
