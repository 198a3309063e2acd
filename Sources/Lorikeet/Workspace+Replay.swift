import Adapters
public import Digests
import Foundation
public import Registry
import Tensors
import Training

/// What a training that was done again showed.
public struct ReplayOutcome: Sendable {
  /// A step whose loss is another than the recorded one.
  public struct Difference: Sendable, Equatable {
    /// The step, from 1.
    public let step: Int
    /// The loss that the registry has.
    public let recorded: Double
    /// The loss now.
    public let found: Double
  }

  /// The version.
  public let version: VersionRecord
  /// Steps done again.
  public let steps: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Losses that were held against recorded ones.
  public let compared: Int
  /// The first step that differs, at which the replay ended.
  public let difference: Difference?
  /// The digest that the weights have now; nil where not all steps were done.
  public let digest: Digest?

  /// Whether every loss, and the digest where there is one, is the recorded one, bit for bit.
  public var agrees: Bool {
    difference == nil && compared > 0 && (digest == nil || digest == version.digest)
  }
}

extension Workspace {
  /// Trains the version that `reference` names again, from the recorded recipe on the recorded data, and compares.
  ///
  /// Everything stays in memory: no run is begun and nothing is published.
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
    return try replay(job, version, registry.points(ofRun: id), steps: steps, progress)
  }

  private func replay(
    _ job: TrainingJob, _ version: VersionRecord, _ points: [RunPoint], steps: Int?,
    _ progress: @escaping (TrainingProgress) -> Void
  ) throws -> ReplayOutcome {
    let recorded = Dictionary(
      points.compactMap { point in point.loss.map { (point.step, $0) } }, uniquingKeysWith: { $1 })
    let run = try job.makeRun(pool: pool)
    var compared = 0
    var difference: ReplayOutcome.Difference?
    let isComplete = try run.go(
      TrainingRun.Hooks(
        tell: { event in
          progress(.run(event))
          guard case .step(let report, _, _, _) = event, let loss = recorded[report.step] else {
            return
          }
          compared += 1
          guard loss.bitPattern != report.loss.bitPattern, difference == nil else { return }
          difference = .init(step: report.step, recorded: loss, found: report.loss)
        }, shouldStop: { difference != nil || run.step >= steps ?? .max },
        seconds: Workspace.seconds))
    return ReplayOutcome(
      version: version, steps: run.step, totalSteps: run.totalSteps, compared: compared,
      difference: difference, digest: isComplete ? try job.adapter(run.result).digest : nil)
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
