import Digests
import Foundation
import JSON
import Lorikeet
import Registry
import Training

/// What a person, or a script with `--json`, sees of a training run.
final class TrainingView {
  private let name: String
  private let console: Console
  private let bar: ProgressBar
  private let begin = ContinuousClock.now
  private var stepsSeen = 0
  private var secondsSeen = 0.0
  private var tokensSeen = 0
  private var rowsSeen = 0
  private var rowsSpared = 0

  /// - Parameter name: The adapter's.
  init(_ name: String, _ console: Console) {
    self.name = name
    self.console = console
    bar = ProgressBar(console)
  }

  /// Runs `work` and leaves no half-drawn line behind, however it ends.
  func watch<Result>(_ work: () throws -> Result) throws -> Result {
    defer { bar.clear() }
    return try work()
  }

  /// Tells what happened.
  func tell(_ progress: TrainingProgress) {
    if console.json {
      if let event = event(progress) { console.event(event) }
      return
    }
    switch progress {
    case .data(let train, let evaluation, let warning):
      let held = evaluation.map { "; \(grouped($0.rows)) to evaluate on" } ?? ""
      bar.note(
        "\(counted(train.rows, "example")), \(grouped(train.tokens)) tokens, "
          + "\(grouped(train.targets)) of them to learn\(held)")
      if let warning { bar.note("note: \(warning)") }
    case .adapter(let name, let layers, let parameters, let base):
      bar.note(
        "training \(name): \(counted(layers, "layer")) of \(base), "
          + "\(humanCount(parameters)) parameters")
    case .resumed(let run, let step): bar.note("run \(run) goes on after step \(step)")
    case .run(let event): tell(event)
    case .answering(let done, let total):
      bar.show(ProgressLine(done: done, total: total, label: "evaluating"))
    }
  }

  private func tell(_ event: TrainingEvent) {
    switch event {
    case .started, .checkpoint: break
    case .step(let report, _, let totalSteps, let seconds):
      stepsSeen += 1
      secondsSeen += seconds
      tokensSeen += report.tokens
      rowsSeen += report.rows
      rowsSpared += report.sparedRows
      let rate = secondsSeen > 0 ? Double(tokensSeen) / secondsSeen : 0
      let left = Double(totalSteps - report.step) * secondsSeen / Double(stepsSeen)
      bar.show(
        ProgressLine(
          done: report.step, total: totalSteps,
          figures: ["loss \(fixed(report.loss, digits: 3))", "\(fixed(rate, digits: 0)) tok/s"],
          secondsLeft: left))
    case .evaluation(let step, let metrics, let isBest):
      bar.note(
        "step \(step): held-out \(figuresText(metrics.json))" + (isBest ? " (best so far)" : ""))
    case .stoppedEarly(let step, let bestStep):
      bar.note("stopped early at step \(step): no better since step \(bestStep)")
    }
  }

  /// Tells how it ended.
  func tell(_ outcome: TrainingOutcome) {
    bar.clear()
    if console.json { return console.event(event(outcome)) }
    switch outcome {
    case .published(let version, let metrics):
      let took = begin.duration(to: .now).components
      let seconds = Double(took.seconds) + Double(took.attoseconds) * 1e-18
      console.line(
        "published \(console.bold(version.reference)) (\(version.digest.short), "
          + "\(humanSize(version.size))) in \(humanDuration(seconds: seconds))")
      if let metrics { console.line("  " + figuresText(metrics.json)) }
      if rowsSpared > 0 {
        console.line(
          "  \(grouped(tokensSeen)) tokens in \(grouped(rowsSeen)) rows: "
            + "shared prefixes computed once, \(grouped(rowsSpared)) rows spared")
      }
    case .alreadyTrained(let version):
      console.line(
        "\(console.bold(version.reference)) is this recipe on this data already: skipped "
          + "(--fresh trains anew)")
    case .interrupted(let run, let step):
      console.line(
        "run \(run) stopped after step \(step) and is saved; the same command goes on from there")
    }
  }
}

extension TrainingView {
  private func event(_ name: String, _ facts: [(String, JSONValue)]) -> JSONValue {
    .object(JSONObject([("event", .string(name)), ("adapter", .string(self.name))] + facts))
  }

  private func event(_ progress: TrainingProgress) -> JSONValue? {
    switch progress {
    case .data(let train, let evaluation, let warning):
      return event(
        "data",
        [
          ("rows", .int(train.rows)), ("sequences", .int(train.sequences)),
          ("tokens", .int(train.tokens)), ("targets", .int(train.targets)),
          ("truncated", .int(train.truncated)), ("dropped", .int(train.dropped)),
          ("evalRows", .integer(evaluation?.rows)), ("warning", .text(warning)),
        ])
    case .adapter(_, let layers, let parameters, let base):
      return event(
        "adapter",
        [("layers", .int(layers)), ("parameters", .int(parameters)), ("base", .string(base))])
    case .resumed(let run, let step):
      return event("resumed", [("run", .int(run)), ("step", .int(step))])
    case .run(let inner): return event(inner)
    case .answering: return nil
    }
  }

  private func event(_ inner: TrainingEvent) -> JSONValue {
    switch inner {
    case .started(let step, let totalSteps):
      return event("started", [("step", .int(step)), ("totalSteps", .int(totalSteps))])
    case .step(let report, let rate, let totalSteps, let seconds):
      return event(
        "step",
        [
          ("step", .int(report.step)), ("totalSteps", .int(totalSteps)),
          ("loss", .double(report.loss)), ("learningRate", .double(rate)),
          ("gradientNorm", .double(report.gradientNorm)), ("tokens", .int(report.tokens)),
          ("rows", .int(report.rows)), ("sparedRows", .int(report.sparedRows)),
          ("seconds", .double(seconds)),
          ("tokensPerSecond", .double(seconds > 0 ? Double(report.tokens) / seconds : 0)),
        ])
    case .evaluation(let step, let metrics, let isBest):
      return event(
        "evaluation", [("step", .int(step)), ("metrics", metrics.json), ("best", .bool(isBest))])
    case .checkpoint(let step): return event("checkpoint", [("step", .int(step))])
    case .stoppedEarly(let step, let bestStep):
      return event("stoppedEarly", [("step", .int(step)), ("bestStep", .int(bestStep))])
    }
  }

  private func event(_ outcome: TrainingOutcome) -> JSONValue {
    switch outcome {
    case .published(let version, let metrics):
      return event(
        "published",
        [
          ("reference", .string(version.reference)), ("version", .int(version.number)),
          ("digest", .string(version.digest.hex)), ("run", .integer(version.run)),
          ("metrics", metrics?.json ?? .null),
        ])
    case .alreadyTrained(let version):
      return event(
        "alreadyTrained",
        [
          ("reference", .string(version.reference)), ("version", .int(version.number)),
          ("digest", .string(version.digest.hex)),
        ])
    case .interrupted(let run, let step):
      return event("interrupted", [("run", .int(run)), ("step", .int(step))])
    }
  }
}
