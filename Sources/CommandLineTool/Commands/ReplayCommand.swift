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
          + "every step is held against the recorded one, and so is the digest of the adapter "
          + "after each step at which a checkpoint recorded it (--checkpoint-every of 'train', and "
          + "the last step); after the last step the digest is the version's as well. It ends at "
          + "the first difference, says at which step that is, and exits with code 1. The number "
          + "of threads makes no difference; another family of processors may, as BLAS rounds in "
          + "its own way there."
      ],
      positionals: [PositionalSpec("REF", help: "a version that was trained here")],
      options: [
        OptionSpec(
          "steps", "N",
          help: "only the first N steps, and the digests recorded up to there (default: all)"),
        OptionSpec("data", "FILE", help: "where the training data lies now"),
        OptionSpec("eval", "FILE", help: "where the held-out data lies now"),
      ],
      examples: [
        ExampleSpec("lorikeet replay intent-kwikemart@1 --steps 10", "a look at the beginning"),
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
      console.line(
        "\(console.bold(name)): \(outcome.steps) of \(counted(outcome.totalSteps, "step")) done again, "
          + "\(outcome.equal) as recorded, bit for bit\(outcome.end)")
    } else {
      console.error("lorikeet: \(name) does not replay: \(outcome.reason)\n")
    }
    return outcome.agrees ? .done : .data
  }
}

extension ReplayOutcome {
  /// What is as recorded: `6 losses and 3 digests`.
  fileprivate var equal: String {
    "\(counted(equalLosses, "loss", plural: "losses")) and \(counted(equalDigests, "digest"))"
  }

  /// What a person should know besides: the last digest, or why none on the way could be compared.
  fileprivate var end: String {
    if let digest { return "; the digest is \(digest.short), as published" }
    guard comparedDigests == 0 else { return "" }
    return digestSteps.first.map { "; the first recorded digest is that after step \($0)" }
      ?? "; the run is of a time when none were recorded"
  }

  /// Where it first differs, and how far it does not.
  fileprivate var reason: String {
    if let difference { return "\(difference.text); up to there \(equal) are as recorded" }
    if let digest, digest != version.digest {
      return "the weights have digest \(digest.short), not \(version.digest.short)"
    }
    return "the registry has no loss to compare with"
  }

  fileprivate var json: JSONValue {
    [
      "event": "replayed", "reference": .string(version.reference), "agrees": .bool(agrees),
      "steps": .int(steps), "totalSteps": .int(totalSteps), "compared": .int(comparedLosses),
      "digestsCompared": .int(comparedDigests), "digestsEqual": .int(equalDigests),
      "digestSteps": .array(digestSteps.map { .int($0) }),
      "digest": digest.map { .string($0.hex) } ?? .null,
      "expectedDigest": .string(version.digest.hex),
      "difference": difference?.json ?? .null,
    ]
  }
}

extension ReplayOutcome.Difference {
  fileprivate var text: String {
    switch kind {
    case .loss(let recorded, let found):
      "step \(step) has loss \(found) where \(recorded) is recorded"
    case .digest(let recorded, let found):
      "after step \(step) the adapter has digest \(found.short) where \(recorded.short) is recorded"
    }
  }

  fileprivate var json: JSONValue {
    switch kind {
    case .loss(let recorded, let found):
      [
        "step": .int(step), "what": "loss", "recorded": .double(recorded),
        "found": .double(found),
      ]
    case .digest(let recorded, let found):
      [
        "step": .int(step), "what": "digest", "recorded": .string(recorded.hex),
        "found": .string(found.hex),
      ]
    }
  }
}
