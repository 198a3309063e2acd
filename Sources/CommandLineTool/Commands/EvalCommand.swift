import JSON
import Lorikeet
import Registry
import Training

extension Tool {
  /// How data is read and answers are judged, for all that measure.
  static let evaluationFlags = [
    OptionSpec("limit", "N", help: "only the first N rows"),
    OptionSpec("format", "FORMAT", help: "the data's format (default: by its looks)"),
    OptionSpec("labels", "LIST", help: "the answers of a classification: yes,no"),
  ]

  static let eval = Command(
    CommandSpec(
      "eval", group: "Training", summary: "measure versions, or the base, on data",
      details: [
        "Loss, perplexity and token accuracy of the right answers; and of greedy answers exact "
          + "match and, where they apply, accuracy, macro-F1 and the part that is JSON. "
          + "All are asked as the recipe of the first says (labels, length of answers); flags take "
          + "precedence. A result is kept in the registry, row by row, and not computed twice."
      ],
      positionals: [PositionalSpec("REF", .several, help: "versions, or 'base'")],
      options: [OptionSpec("data", "FILE", help: "the data to measure on")] + evaluationFlags + [
        OptionSpec("prompt", "TEXT", help: "a question with {column} in it"),
        OptionSpec("completion", "TEXT", help: "an answer with {column} in it"),
        OptionSpec("max-tokens", "N", help: "the longest answer (default 128)"),
        OptionSpec("base", "NAME", help: "the base, where REF is 'base' and there are several"),
        weightsOption,
        OptionSpec("fresh", help: "measure again even where the registry has the result"),
      ],
      examples: [
        ExampleSpec(
          "lorikeet eval intent-kwikemart --data Adapters/intent-kwikemart/eval.jsonl", "a version"),
        ExampleSpec(
          "lorikeet eval base --data held-out.jsonl --limit 20 --json",
          "the base alone, for a script"),
      ])
  ) { session in
    let references = session.arguments.positionals
    guard let data = session.arguments.string("data") else {
      throw session.arguments.misuse("--data FILE is missing: the data to measure on")
    }
    let workspace = try session.workspace()
    var options = try session.evaluationOptions(references, workspace)
    try session.applyTemplates(to: &options)
    let bar = ProgressBar(session.console)
    defer { bar.clear() }
    let outcomes = try references.map { reference in
      try workspace.evaluate(
        reference, data: data, base: session.arguments.string("base"), options: options
      ) { done, total in
        bar.show(ProgressLine(done: done, total: total, label: "answering as \(reference)"))
      }
    }
    bar.clear()
    session.tell(Array(zip(references, outcomes)), data)
  }
}

extension Session {
  /// As the recipe of the first version says that was trained here, but for what is given by flags.
  func evaluationOptions(_ references: [String], _ workspace: Workspace) throws
    -> EvaluationOptions
  {
    var options = try workspace.evaluationOptions(for: references)
    let recipe = try recipe(ofFlags: ["format", "labels"])
    if arguments.flag("format") { options.data.format = recipe.format }
    if arguments.flag("labels") { options.labels = recipe.labels }
    if let limit = try arguments.integer("limit", in: 1...Int.max) { options.data.limit = limit }
    return options
  }

  /// The flags that only `eval` has.
  fileprivate func applyTemplates(to options: inout EvaluationOptions) throws {
    let recipe = try recipe(ofFlags: ["prompt", "completion"])
    if arguments.flag("prompt") { options.data.prompt = recipe.prompt }
    if arguments.flag("completion") { options.data.completion = recipe.completion }
    if let longest = try arguments.integer("max-tokens", in: 1...100_000) {
      options.answerTokens = longest
    }
    options.isForced = arguments.flag("fresh")
  }

  /// A recipe with the settings of these flags: their values are checked in one place.
  private func recipe(ofFlags names: [String]) throws -> Recipe {
    var recipe = Recipe()
    let flags = names.compactMap { name in
      arguments.string(name).map { (name: name, value: $0) }
    }
    do throws(TrainingError) { try recipe.apply(flags: flags) } catch {
      throw arguments.misuse(error.message)
    }
    return recipe
  }

  /// One result as an object and its figures under each other; several as a list and as a table.
  fileprivate func tell(
    _ results: [(reference: String, outcome: EvaluationOutcome)], _ data: String
  ) {
    if console.json {
      let all = results.map { $0.outcome.json($0.reference, data) }
      return console.result(all.count == 1 ? all[0] : .array(all))
    }
    guard results.count > 1 else {
      let (reference, outcome) = results[0]
      console.line(
        "\(console.bold(reference)) on \(counted(outcome.rows, "row")) of \(data)"
          + (outcome.isKept ? " (kept from before; --fresh measures again)" : ""))
      return facts(outcome.metrics.figures.map { ($0.name, fixed($0.value, digits: 4)) })
    }
    let names = Set(results.flatMap { $0.outcome.metrics.figures.map(\.name) })
    let shown = Metrics.names.filter(names.contains)
    var table = Table([.init("REFERENCE")] + shown.map { .init($0.uppercased(), isNumber: true) })
    for (reference, outcome) in results {
      let figures = Dictionary(
        uniqueKeysWithValues: outcome.metrics.figures.map { ($0.name, $0.value) })
      table.add([reference] + shown.map { figures[$0].map { fixed($0, digits: 4) } ?? "-" })
    }
    tell(table)
    console.note("'lorikeet compare' tells whether the differences are more than chance")
  }
}

extension EvaluationOutcome {
  fileprivate func json(_ reference: String, _ data: String) -> JSONValue {
    var json = metrics.json.objectValue ?? JSONObject([])
    json["reference"] = .string(reference)
    json["data"] = .string(data)
    json["rows"] = .int(rows)
    json["kept"] = .bool(isKept)
    return .object(json)
  }
}
