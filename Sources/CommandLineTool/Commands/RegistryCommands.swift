import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let runs = Command(
    CommandSpec(
      "runs", group: "Registry", summary: "list training runs with their loss curves",
      positionals: [PositionalSpec("NAME", .optional, help: "only runs of this adapter")],
      options: [OptionSpec("limit", "N", help: "at most so many, newest first (default 20)")],
      examples: [
        ExampleSpec("lorikeet runs", "the newest runs"),
        ExampleSpec("lorikeet runs intent-kwikemart --json", "with every point of the curves"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let limit = try session.arguments.integer("limit", in: 1...100_000) ?? 20
    let runs = try registry.runs(of: session.arguments.positional(0), limit: limit)
    let console = session.console
    if console.json {
      let values = try runs.map { run -> JSONValue in
        var json = run.json.objectValue ?? JSONObject([])
        json["points"] = .array(try registry.points(ofRun: run.id).map(\.json))
        return .object(json)
      }
      return console.result(.array(values))
    }
    if runs.isEmpty { return console.note("no runs yet: 'lorikeet train' makes one") }
    var table = Table([
      .init("RUN", isNumber: true), .init("ADAPTER"), .init("STATUS"),
      .init("STEP", isNumber: true, weight: 3), .init("LOSS", isNumber: true, weight: 4),
      .init("CURVE", weight: 1), .init("VERSION", weight: 2), .init("STARTED", weight: 0),
    ])
    for run in runs {
      let losses = try registry.points(ofRun: run.id).compactMap(\.loss)
      table.add([
        "\(run.id)", run.adapter, run.status.rawValue,
        "\(run.step)" + (run.totalSteps.map { "/\($0)" } ?? ""),
        run.loss.map { fixed($0, digits: 4) } ?? "-", sparkline(losses, width: 16),
        run.version.map { "@\($0)" } ?? "-", humanAge(run.started),
      ])
    }
    session.tell(table)
    for run in runs {
      if let error = run.error { console.note("run \(run.id) failed: \(harmless(error))") }
    }
  }

  static let alias = Command(
    CommandSpec(
      "alias", group: "Registry", summary: "point an alias at a version, in one atomic move",
      details: [
        "A bare name as a reference means the alias 'production' where it is set, else the newest "
          + "version; new requests see the move at once."
      ],
      positionals: [
        PositionalSpec("REF", help: "name@VERSION, or name:ALIAS to point where that points"),
        PositionalSpec("ALIAS", help: "the alias, such as production"),
      ],
      options: [OptionSpec("remove", help: "take the alias of REF's adapter away")],
      examples: [
        ExampleSpec("lorikeet alias intent-kwikemart@2 production", "promote version 2"),
        ExampleSpec("lorikeet alias intent-kwikemart staging --remove", "take an alias away"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let (reference, alias) = (session.argument(0), session.argument(1))
    if session.arguments.flag("remove") {
      guard case .adapter(let name, _) = try Reference(reference) else {
        throw session.arguments.misuse("'base' has no aliases; name an adapter")
      }
      try registry.removeAlias(name, alias: alias)
      let json: JSONValue = ["name": .string(name), "alias": .string(alias), "version": nil]
      return session.say("\(name):\(alias) is taken away", json)
    }
    let before = try registry.version(reference)
    let old = try registry.aliases(of: before.adapter).first { $0.alias == alias }?.version
    let record = try registry.setAlias(alias, to: reference)
    session.tellMove(record, from: old)
  }

  static let rollback = Command(
    CommandSpec(
      "rollback", group: "Registry", summary: "move an alias back to the version before",
      positionals: [
        PositionalSpec("NAME", help: "the adapter"), PositionalSpec("ALIAS", help: "its alias"),
      ],
      examples: [
        ExampleSpec("lorikeet rollback intent-kwikemart production", "undo a promotion")
      ])
  ) { session in
    let registry = try session.workspace().registry
    let (name, alias) = (session.argument(0), session.argument(1))
    let old = try registry.aliases(of: name).first { $0.alias == alias }?.version
    session.tellMove(try registry.rollback(name, alias: alias), from: old)
  }
}

extension Session {
  func tellMove(_ record: AliasRecord, from old: Int?) {
    let json: JSONValue = [
      "name": .string(record.adapter), "alias": .string(record.alias),
      "version": .int(record.version), "previous": .integer(old),
    ]
    let name = "\(record.adapter):\(record.alias)"
    let text =
      old == record.version
      ? "\(name) points at version \(record.version) already"
      : "\(name) -> version \(record.version)" + (old.map { " (was \($0))" } ?? "")
    say(text, json)
  }

  /// Writes a table, and says what of it does not fit the terminal.
  func tell(_ table: Table) {
    console.table(table)
    let omitted = table.omitted(width: console.width)
    guard !omitted.isEmpty else { return }
    let isOne = omitted.count == 1
    console.note(
      "\(omitted.joined(separator: ", ")) \(isOne ? "does" : "do") not fit; a wider terminal or --json "
        + "has \(isOne ? "it" : "them")")
  }

  /// Writes a result as a line, or as JSON.
  func say(_ text: String, _ json: JSONValue) {
    if console.json { console.result(json) } else { console.line(text) }
  }
}

/// Aliases for a table: `production@2 staging@3`.
func aliasText(_ aliases: [AliasRecord]) -> String {
  aliases.isEmpty ? "-" : aliases.map { "\($0.alias)@\($0.version)" }.joined(separator: " ")
}

/// A score for a table, its number first: `0.973 accuracy`.
func scoreText(_ score: Double?, _ name: String?) -> String {
  guard let score else { return "-" }
  return fixed(score, digits: 3) + (name.map { " " + $0 } ?? "")
}
