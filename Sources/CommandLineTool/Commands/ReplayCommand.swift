import Digests
import JSON
import Lorikeet
import Registry
import Training

extension Tool {
  static let replay = Command(
    ending: CommandSpec(
      "replay", group: "Training", summary: "train a version again and compare, bit for bit",
      details: [
        "From the recorded recipe, seed and data, in memory: nothing is published. The loss of "
          + "every step is held against the recorded one, and after the last step the digest of "
          + "the weights against the version's. The number of threads makes no difference; "
          + "another family of processors may, as BLAS rounds in its own way there. Exit code 1 "
          + "where something differs."
      ],
      positionals: [PositionalSpec("REF", help: "a version that was trained here")],
      options: [
        OptionSpec("steps", "N", help: "only the first N steps (default: all)"),
        OptionSpec("data", "FILE", help: "where the training data lies now"),
        OptionSpec("eval", "FILE", help: "where the held-out data lies now"),
      ],
      examples: [
        ExampleSpec("lorikeet replay intent-kwikemart@1 --steps 5", "a look at the beginning"),
        ExampleSpec("lorikeet replay acme/support --json", "the whole training, for a script"),
      ])
  ) { session in
    let workspace = try session.workspace()
    let arguments = session.arguments
    let view = TrainingView(session.argument(0), session.console)
    let steps = try arguments.integer("steps", in: 1...Int.max)
    let outcome = try view.watch {
      try workspace.replay(
        session.argument(0), steps: steps, data: arguments.string("data"),
        evaluation: arguments.string("eval"), progress: view.tell)
    }
    return session.tell(outcome)
  }
}

extension Session {
  fileprivate func tell(_ outcome: ReplayOutcome) -> ExitCode {
    let name = outcome.version.reference
    if console.json {
      console.event(outcome.json)
    } else if outcome.agrees {
      let all = outcome.digest.map { "; the digest is \($0.short), as published" } ?? ""
      console.line(
        "\(console.bold(name)): \(outcome.steps) of \(counted(outcome.totalSteps, "step")) done again, "
          + "\(counted(outcome.compared, "loss", plural: "losses")) as recorded, bit for bit\(all)")
    } else {
      let reason =
        if let difference = outcome.difference {
          "step \(difference.step) has loss \(difference.found) where \(difference.recorded) is recorded"
        } else if let digest = outcome.digest, digest != outcome.version.digest {
          "the weights have digest \(digest.short), not \(outcome.version.digest.short)"
        } else { "the registry has no loss to compare with" }
      console.error("lorikeet: \(name) does not replay: \(reason)\n")
    }
    return outcome.agrees ? .done : .data
  }
}

extension ReplayOutcome {
  fileprivate var json: JSONValue {
    [
      "event": "replayed", "reference": .string(version.reference), "agrees": .bool(agrees),
      "steps": .int(steps), "totalSteps": .int(totalSteps), "compared": .int(compared),
      "digest": digest.map { .string($0.hex) } ?? .null,
      "expectedDigest": .string(version.digest.hex),
      "difference": difference.map {
        [
          "step": .int($0.step), "recorded": .double($0.recorded), "found": .double($0.found),
        ]
      } ?? .null,
    ]
  }
}
