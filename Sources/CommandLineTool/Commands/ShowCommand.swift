import Digests
import Foundation
import JSON
import Lorikeet
import Registry
import Training

extension Tool {
  static let show = Command(
    CommandSpec(
      "show", group: "Registry", summary: "show a version: what it is, how it was made, its scores",
      details: ["Below stand all versions of the adapter and the moves of its aliases."],
      positionals: [PositionalSpec("REF", help: "name, name@VERSION or name:ALIAS")],
      examples: [
        ExampleSpec("lorikeet show intent-kwikemart", "what a bare name means now"),
        ExampleSpec("lorikeet show intent-kwikemart@1 --json", "everything, for a script"),
      ])
  ) { session in
    guard case .adapter = try Reference(session.argument(0)) else {
      return try session.showBase(nil)
    }
    let story = try VersionStory(session.argument(0), session.workspace().registry)
    if session.console.json { session.console.result(story.json) } else { session.tell(story) }
  }
}

/// All that the registry knows of a version and its adapter.
private struct VersionStory {
  let version: VersionRecord
  let versions: [VersionRecord]
  let aliases: [AliasRecord]
  let moves: [AliasMove]
  let run: RunRecord?
  let points: [RunPoint]
  let evaluations: [Int: [EvaluationRecord]]
  let scores: [Int: EvaluationRecord]
  let datasets: [String: DatasetRecord]
  let tags: [String]
  let notes: [NoteRecord]
  let parent: VersionRecord?

  init(_ reference: String, _ registry: Registry) throws {
    version = try registry.version(reference)
    versions = try registry.versions(of: version.adapter)
    aliases = try registry.aliases(of: version.adapter)
    moves = try registry.aliasHistory(of: version.adapter)
    run = try version.run.map { try registry.run($0) }
    datasets = try version.run.map { try registry.datasets(ofRun: $0) } ?? [:]
    tags = try registry.tags(of: version.adapter)
    notes = try registry.notes(of: version.adapter)
    parent = try version.parent.flatMap { try registry.versions(digest: $0.hex).first }
    points = try version.run.map { try registry.points(ofRun: $0) } ?? []
    var evaluations: [Int: [EvaluationRecord]] = [:]
    for version in versions {
      evaluations[version.number] = try registry.evaluations(
        of: .version(adapter: version.adapter, number: version.number))
    }
    self.evaluations = evaluations
    scores = try registry.scoredEvaluations(of: version.adapter)
  }

  var json: JSONValue {
    var json = version.json.objectValue ?? JSONObject([])
    json["aliases"] = aliases.json
    let score = scores[version.number]
    json["score"] = .number(score?.score)
    json["scoreName"] = .text(score?.scoreName)
    json["scoreData"] = score?.data.json ?? .null
    json["evaluations"] = .array((evaluations[version.number] ?? []).map(\.json))
    json["configuration"] = parsedJSON(version.configuration)
    json["promptContract"] = parsedJSON(version.promptContract)
    json["training"] = run?.json ?? .null
    json["parentReference"] = .text(parent?.reference)
    json["datasets"] = .object(
      JSONObject(datasets.sorted { $0.key > $1.key }.map { ($0.key, $0.value.json) }))
    json["tags"] = .array(tags.map { .string($0) })
    json["notes"] = .array(notes.map(\.json))
    json["points"] = .array(points.map(\.json))
    json["versions"] = .array(versions.map(\.json))
    json["aliasHistory"] = .array(moves.map(\.json))
    return .object(json)
  }
}

extension Session {
  fileprivate func tell(_ story: VersionStory) {
    let version = story.version
    let names = story.aliases.filter { $0.version == version.number }.map(\.alias)
    console.line(
      console.bold(version.reference)
        + (names.isEmpty ? "" : "  (\(names.joined(separator: ", ")))"))
    var facts: [(name: String, value: String)] = []
    if let note = version.note { facts.append(("about", note)) }
    facts += [
      ("base", "\(version.baseName) (\(version.base.short))"),
      ("method", "\(version.method), rank \(version.rank), alpha \(brief(version.alpha))"),
      ("weights", humanSize(version.size)), ("digest", version.digest.hex),
      ("published", humanAge(version.created)),
    ]
    if let parent = version.parent {
      facts.append(("parent", (story.parent.map { $0.reference + " " } ?? "") + parent.short))
    }
    if let run = story.run {
      facts.append(("trained", trainingText(run, story.points)))
      facts.append(("", "seed \(run.seed), \(run.program)"))
    }
    for (role, dataset) in story.datasets.sorted(by: { $0.key > $1.key }) {
      facts.append(
        (
          role == "train" ? "data" : "held out",
          "\(counted(dataset.rows, "row")) of \((dataset.path as NSString).lastPathComponent) "
            + "(\(dataset.digest.short))"
        ))
    }
    if !story.tags.isEmpty { facts.append(("tags", story.tags.joined(separator: ", "))) }
    for note in story.notes where note.version == nil || note.version == version.number {
      let subject = note.version.map { "version \($0)" } ?? "the adapter"
      facts.append(("note", "\(note.text) (on \(subject), \(humanAge(note.at)), \(note.actor))"))
    }
    if let score = story.scores[version.number], score.score != nil {
      facts.append(("score", "\(scoreText(score.score, score.scoreName)) on \(rowsText(score))"))
    }
    for evaluation in story.evaluations[version.number] ?? [] {
      let figures = figuresText(parsedJSON(evaluation.metrics))
      facts.append(("evaluated", "\(figures) on \(rowsText(evaluation))"))
    }
    self.facts(facts)
    console.line()
    tell(versionTable(story))
    guard !story.moves.isEmpty else { return }
    console.line()
    for move in story.moves {
      let target = move.version.map { "version \($0)" } ?? "nothing"
      let before = move.previous.map { " (was \($0))" } ?? ""
      console.line(
        "  \(move.alias) -> \(target)\(before), \(move.kind.rawValue) \(humanAge(move.at)) by "
          + harmless(move.actor, keepsLines: false))
    }
  }

  /// `73 rows of eval.jsonl`
  private func rowsText(_ evaluation: EvaluationRecord) -> String {
    let data = evaluation.data
    return "\(counted(data.rows, "row")) of \((data.path as NSString).lastPathComponent)"
  }

  private func versionTable(_ story: VersionStory) -> Table {
    var table = Table([
      .init("VERSION", isNumber: true), .init("ALIASES", weight: 4), .init("SCORE", weight: 5),
      .init("METHOD", weight: 3), .init("SIZE", isNumber: true, weight: 0),
      .init("DIGEST", weight: 1), .init("PUBLISHED", weight: 2),
    ])
    for version in story.versions {
      let aliases = story.aliases.filter { $0.version == version.number }.map(\.alias)
      let score = story.scores[version.number]
      table.add([
        "\(version.number)", aliases.isEmpty ? "-" : aliases.joined(separator: " "),
        scoreText(score?.score, score?.scoreName), "\(version.method) r\(version.rank)",
        humanSize(version.size), version.digest.short, humanAge(version.created),
      ])
    }
    return table
  }

  private func trainingText(_ run: RunRecord, _ points: [RunPoint]) -> String {
    let losses = points.compactMap(\.loss)
    var text = "run \(run.id), \(counted(run.step, "step"))"
    if let first = losses.first, let last = losses.last {
      text += ", loss \(fixed(first, digits: 3)) to \(fixed(last, digits: 3))  "
      text += sparkline(losses, width: 24)
    }
    return text
  }
}

/// The figures of an evaluation in one line, in the order in which they are told: `loss 0.123, accuracy 0.973`.
func figuresText(_ metrics: JSONValue) -> String {
  Metrics.names.compactMap { name in
    metrics[name]?.doubleValue.map { "\(name) \(fixed($0, digits: 3))" }
  }.joined(separator: ", ")
}

/// A number without a needless fraction.
func brief(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
}
