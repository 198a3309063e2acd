import JSON
import Lorikeet
import Registry

extension Tool {
  static let promote = Command(
    ending: CommandSpec(
      "promote", group: "Registry",
      summary: "point an alias at a version if it is good enough on data",
      details: [
        "Measures REF and what the gates hold it against on the same data, and moves the alias "
          + "only if every gate holds; what is kept is not measured again. A gate is FIGURE >= "
          + "BOUND (or >, <=, <) with loss, perplexity, tokenAccuracy, exactMatch, accuracy, "
          + "macroF1 or validJSON, and a number, 'previous' (what the alias names now) or "
          + "'base', the latter two also with + or - a number. Without a previous version there "
          + "is nothing to fall behind. 'history' tells every promotion and refusal with its "
          + "figures. Exit code 1 where it is refused."
      ],
      positionals: [PositionalSpec("REF", help: "name@VERSION, name:ALIAS or name:latest")],
      options: [
        OptionSpec("alias", "ALIAS", help: "the alias to move (default: production)"),
        OptionSpec(
          "gate", "GATE", repeats: true,
          help: "what must hold; all of them, where there are several"),
        OptionSpec("data", "FILE", help: "the data to measure on"),
        weightsOption,
      ] + evaluationFlags,
      examples: [
        ExampleSpec(
          "lorikeet promote intent@2 --gate 'accuracy >= previous' --data eval.jsonl",
          "no step back"),
        ExampleSpec(
          "lorikeet promote intent:latest --gate 'loss < base - 0.5' --data eval.jsonl",
          "clearly better than no adapter"),
      ])
  ) { session in
    let arguments = session.arguments
    guard let data = arguments.string("data") else {
      throw arguments.misuse("--data FILE is missing: the data to measure on")
    }
    guard arguments.flag("gate") else {
      throw arguments.misuse(
        "--gate is missing, such as 'accuracy >= previous'; 'alias' moves without a gate")
    }
    let gates = try arguments.strings("gate").map { text in
      do { return try Gate(text) } catch { throw arguments.misuse(oneLine(error)) }
    }
    let workspace = try session.workspace()
    let reference = session.argument(0)
    let bar = ProgressBar(session.console)
    defer { bar.clear() }
    let outcome = try workspace.promote(
      reference, alias: arguments.string("alias") ?? Reference.production, gates: gates, data: data,
      options: session.evaluationOptions([reference], workspace)
    ) { subject, done, total in
      bar.show(ProgressLine(done: done, total: total, label: "measuring \(subject)"))
    }
    bar.clear()
    return session.tell(outcome)
  }
}

extension Session {
  fileprivate func tell(_ outcome: PromotionOutcome) -> ExitCode {
    if console.json {
      console.result(outcome.json)
      return outcome.isPromoted ? .done : .data
    }
    for result in outcome.gates { console.line("\(result.holds ? "✓" : "✗") \(result.text)") }
    for test in outcome.tests
    where outcome.gates.contains(where: { $0.gate.figure == test.figure.rawValue }) {
      let range = test.interval
      console.line(
        console.faint(
          "  \(test.figure.rawValue) \(signed(test.difference)) to the previous, 95% interval "
            + "[\(signed(range.lowerBound)), \(signed(range.upperBound))], p \(probability(test.pValue))"
            + (test.isSignificant ? "" : ": within noise")))
    }
    guard outcome.isPromoted else {
      let failed = outcome.gates.filter { !$0.holds }.map(\.text).joined(separator: "; ")
      let stays =
        outcome.previous.map { "\($0.adapter):\(outcome.alias) stays at version \($0.number)" }
        ?? "\(outcome.alias) is not set"
      console.error("lorikeet: \(outcome.version.reference) is not promoted: \(failed); \(stays)\n")
      return .data
    }
    tellMove(
      AliasRecord(
        adapter: outcome.version.adapter, alias: outcome.alias, version: outcome.version.number),
      from: outcome.previous?.number)
    return .done
  }
}

extension PromotionOutcome {
  fileprivate var json: JSONValue {
    [
      "reference": .string(version.reference), "alias": .string(alias),
      "promoted": .bool(isPromoted), "previous": .integer(previous?.number),
      "gates": .array(
        gates.map {
          [
            "gate": .string($0.gate.description), "value": .double($0.value),
            "bound": .number($0.bound), "holds": .bool($0.holds),
          ]
        }),
      "tests": .array(tests.map(\.json)),
    ]
  }
}
