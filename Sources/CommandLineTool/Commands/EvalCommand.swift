import JSON
import Lorikeet
import Registry
import Training

extension Tool {
  static let eval = Command(
    CommandSpec(
      "eval", group: "Training", summary: "measure a version, or the base, on data",
      details: [
        "Loss, perplexity and token accuracy of the right answers; and of greedy answers exact "
          + "match and, where they apply, accuracy, macro-F1 and the part that is JSON. "
          + "A version is asked as its recipe says (labels, length of answers); flags take "
          + "precedence. A result is kept in the registry and not computed twice."
      ],
      positionals: [PositionalSpec("REF", help: "a version, or 'base'")],
      options: [
        OptionSpec("data", "FILE", help: "the data to measure on"),
        OptionSpec("limit", "N", help: "only the first N rows"),
        OptionSpec("format", "FORMAT", help: "the data's format (default: by its looks)"),
        OptionSpec("prompt", "TEXT", help: "a question with {column} in it"),
        OptionSpec("completion", "TEXT", help: "an answer with {column} in it"),
        OptionSpec("labels", "LIST", help: "the answers of a classification: yes,no"),
        OptionSpec("max-tokens", "N", help: "the longest answer (default 128)"),
        OptionSpec("base", "NAME", help: "the base, where REF is 'base' and there are several"),
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
    let reference = session.argument(0)
    guard let data = session.arguments.string("data") else {
      throw session.arguments.misuse("--data FILE is missing: the data to measure on")
    }
    let workspace = try session.workspace()
    let options = try session.evaluationOptions(reference, workspace)
    let bar = ProgressBar(session.console)
    defer { bar.clear() }
    let outcome = try workspace.evaluate(
      reference, data: data, base: session.arguments.string("base"), options: options
    ) { done, total in bar.show(ProgressLine(done: done, total: total, label: "answering")) }
    bar.clear()
    session.tell(outcome, reference, data)
  }
}

extension Session {
  /// As the recipe of the version says, but for what is given by flags.
  fileprivate func evaluationOptions(_ reference: String, _ workspace: Workspace) throws
    -> EvaluationOptions
  {
    var options = EvaluationOptions()
    if case .adapter = try Reference(reference) {
      let version = try workspace.registry.version(reference)
      if let run = version.run {
        let text = try workspace.registry.run(run).recipe
        options = EvaluationOptions(try Recipe(parsing: text.utf8))
      }
    }
    var recipe = Recipe()
    let flags = ["format", "prompt", "completion", "labels"].compactMap { name in
      arguments.string(name).map { (name: name, value: $0) }
    }
    do throws(TrainingError) { try recipe.apply(flags: flags) } catch {
      throw arguments.misuse(error.message)
    }
    if arguments.flag("format") { options.data.format = recipe.format }
    if arguments.flag("prompt") { options.data.prompt = recipe.prompt }
    if arguments.flag("completion") { options.data.completion = recipe.completion }
    if arguments.flag("labels") { options.labels = recipe.labels }
    if let limit = try arguments.integer("limit", in: 1...Int.max) { options.data.limit = limit }
    if let longest = try arguments.integer("max-tokens", in: 1...100_000) {
      options.answerTokens = longest
    }
    options.isForced = arguments.flag("fresh")
    return options
  }

  fileprivate func tell(_ outcome: EvaluationOutcome, _ reference: String, _ data: String) {
    if console.json {
      var json = outcome.metrics.json.objectValue ?? JSONObject([])
      json["reference"] = .string(reference)
      json["data"] = .string(data)
      json["rows"] = .int(outcome.rows)
      json["kept"] = .bool(outcome.isKept)
      return console.result(.object(json))
    }
    console.line(
      "\(console.bold(reference)) on \(counted(outcome.rows, "row")) of \(data)"
        + (outcome.isKept ? " (kept from before; --fresh measures again)" : ""))
    facts(outcome.metrics.figures.map { ($0.name, fixed($0.value, digits: 4)) })
  }
}
