import Adapters
public import Digests
import Foundation
public import Registry
import Tensors
import Training

/// What a training that was done again showed.
public struct ReplayOutcome: Sendable {
  /// The first thing that is another than the recorded one.
  public struct Difference: Sendable, Equatable {
    /// What differs: what the registry has, and what it is now.
    public enum Kind: Sendable, Equatable {
      /// The loss of the step, before its update.
      case loss(recorded: Double, found: Double)
      /// The digest of the adapter after the step.
      case digest(recorded: Digest, found: Digest)
    }

    /// The step, from 1.
    public let step: Int
    /// What differs at it.
    public let kind: Kind
  }

  /// The version.
  public let version: VersionRecord
  /// Steps done again.
  public let steps: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Losses that were held against recorded ones.
  public let comparedLosses: Int
  /// Digests of the adapter on the way that were held against recorded ones.
  public let comparedDigests: Int
  /// The steps of the whole run after which the registry has a digest of the adapter, in order; none for a run of before
  /// schema 3.
  public let digestSteps: [Int]
  /// The first step that differs, at which the replay ended.
  public let difference: Difference?
  /// The digest that the weights have now; nil where not all steps were done.
  public let digest: Digest?

  /// Losses that are the recorded ones, bit for bit.
  public var equalLosses: Int {
    if case .loss = difference?.kind { comparedLosses - 1 } else { comparedLosses }
  }

  /// Digests of the adapter on the way that are the recorded ones.
  public var equalDigests: Int {
    if case .digest = difference?.kind { comparedDigests - 1 } else { comparedDigests }
  }

  /// Whether everything compared is as recorded, bit for bit, and the weights are the published ones where all steps were
  /// done.
  public var agrees: Bool {
    difference == nil && comparedLosses + comparedDigests > 0
      && (digest == nil || digest == version.digest)
  }
}

extension Workspace {
  /// Trains the version that `reference` names again, from the recorded recipe on the recorded data, and compares.
  ///
  /// Compared are the loss of every step, the adapter's digest wherever a checkpoint recorded it, and after the last step
  /// that of the version. Everything stays in memory: no run is begun and nothing is published.
  /// - Parameters:
  ///   - steps: How many steps; nil for all. It ends at the first step that differs.
  ///   - data: Where the training data lies now, if not where it was.
  ///   - evaluation: Where the held-out data lies now; only asked for where it decided when training ended.
  /// - Throws: `WorkspaceError` where the version was not trained here, or its data is gone or has changed.
  public func replay(
    _ reference: String, steps: Int? = nil, data: String? = nil, evaluation: String? = nil,
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) throws -> ReplayOutcome {
    let version = try registry.version(reference)
    guard let id = version.run else {
      throw WorkspaceError(
        .badRequest,
        "\(version.reference) was imported, not trained here: there is nothing to replay")
    }
    let record = try registry.run(id)
    let datasets = try registry.datasets(ofRun: id)
    var recipe = try Recipe(recorded: record.recipe)
    recipe.train = try Workspace.located(datasets["train"], now: data, flag: "data")
    recipe.eval =
      recipe.rhythm.evaluateEvery == nil
      ? nil : try Workspace.located(datasets["eval"], now: evaluation, flag: "eval")
    let job = try TrainingJob(
      recipe: recipe,
      base: openBase(registry.base(record.base), weights: recipe.precision ?? .f32), pool: pool,
      now: record.started)
    try Workspace.checkSame(job.train, datasets["train"], of: version)
    if let held = job.evaluation { try Workspace.checkSame(held, datasets["eval"], of: version) }
    let run = try job.makeRun(pool: pool)
    var comparison = ReplayComparison(
      points: try registry.points(ofRun: id), digests: try registry.adapterDigests(ofRun: id))
    let isComplete = try run.go(
      TrainingRun.Hooks(
        tell: { event in
          progress(.run(event))
          guard case .step(let report, _, _, _) = event else { return }
          try comparison.compare(report) { try job.digest(of: run.deltas) }
        }, shouldStop: { comparison.difference != nil || run.step >= steps ?? .max },
        seconds: Workspace.seconds))
    return ReplayOutcome(
      version: version, steps: run.step, totalSteps: run.totalSteps,
      comparedLosses: comparison.comparedLosses, comparedDigests: comparison.comparedDigests,
      digestSteps: comparison.digests.keys.sorted(), difference: comparison.difference,
      digest: isComplete ? try job.adapter(run.result).digest : nil)
  }

  /// Where a recorded dataset lies.
  private static func located(_ dataset: DatasetRecord?, now: String?, flag: String) throws
    -> String?
  {
    guard let path = now ?? dataset?.path else { return nil }
    guard FileManager.default.fileExists(atPath: path) else {
      throw WorkspaceError(
        .badRequest, "the data is no longer at '\(path)'; say where it is with --\(flag) FILE")
    }
    return path
  }

  private static func checkSame(
    _ dataset: Dataset, _ recorded: DatasetRecord?, of version: VersionRecord
  ) throws {
    guard let recorded, dataset.digest != recorded.digest else { return }
    throw WorkspaceError(
      .badRequest,
      "'\(dataset.path)' is not what \(version.reference) was trained with: its digest is "
        + "\(dataset.digest.short), not \(recorded.digest.short)")
  }
}

/// What the registry has of a run's steps, and how far a replay is as it says.
private struct ReplayComparison {
  let losses: [Int: Double]
  let digests: [Int: Digest]
  private(set) var comparedLosses = 0
  private(set) var comparedDigests = 0
  private(set) var difference: ReplayOutcome.Difference?

  init(points: [RunPoint], digests: [Int: Digest]) {
    losses = Dictionary(
      points.compactMap { point in point.loss.map { (point.step, $0) } }, uniquingKeysWith: { $1 })
    self.digests = digests
  }

  /// Holds a step against the record: its loss and, where one was recorded, the digest of the adapter after it.
  mutating func compare(_ report: StepReport, digest: () throws -> Digest) rethrows {
    guard difference == nil else { return }
    let step = report.step
    if let recorded = losses[step] {
      comparedLosses += 1
      if recorded.bitPattern != report.loss.bitPattern {
        difference = .init(step: step, kind: .loss(recorded: recorded, found: report.loss))
        return
      }
    }
    if let recorded = digests[step] {
      comparedDigests += 1
      let found = try digest()
      if found != recorded {
        difference = .init(step: step, kind: .digest(recorded: recorded, found: found))
      }
    }
  }
}
