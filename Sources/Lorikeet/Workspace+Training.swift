import Adapters
import Checkpoints
import Digests
import Foundation
import JSON
import Models
import Registry
import Tensors
import Tokenizers
public import Training

extension Workspace {
  /// Trains the adapter of `recipe` and publishes it as a new version.
  ///
  /// The same recipe on the same data and base is trained once: a stopped or killed run goes on exactly from its last
  /// checkpoint, and a completed one is not repeated.
  /// - Parameters:
  ///   - fresh: Starts from nothing even where a run could be resumed or has been completed.
  ///   - shouldStop: Asked between steps; true saves the state and returns `interrupted`.
  ///   - progress: Told what happens.
  public func train(
    _ recipe: Recipe, fresh: Bool = false, shouldStop: @escaping () -> Bool = { false },
    progress: @escaping (TrainingProgress) -> Void = { _ in }
  ) throws -> TrainingOutcome {
    var recipe = recipe
    let weights = recipe.precision ?? .training
    recipe.precision = weights
    let base = try openBase(recipe.base, weights: weights)
    var job = try TrainingJob(recipe: recipe, base: base, pool: pool, now: Date())
    progress(
      .data(train: job.report, evaluation: job.evaluationReport, warning: job.warning))
    if !fresh, let version = try trainedVersion(job) { return .alreadyTrained(version) }
    progress(
      .adapter(
        name: recipe.name, layers: job.start.count, parameters: job.parameterCount,
        base: base.record.facts.name))

    let stopped = fresh ? nil : try resumable(job)
    if let stopped {
      job = try TrainingJob(recipe: recipe, base: base, pool: pool, now: stopped.record.started)
    }
    let run = try job.makeRun(pool: pool)
    let record = try begin(job, run, stopped, progress)
    let log = RunLog(registry: registry, run: record.id)
    do {
      let isComplete = try run.go(
        TrainingRun.Hooks(
          save: { step, state in
            try log.flush()
            try self.registry.saveCheckpoint(
              ofRun: record.id, step: step, state: state, adapter: job.digest(of: run.deltas))
          },
          tell: { event in
            try log.add(event)
            progress(.run(event))
          }, shouldStop: shouldStop, seconds: Workspace.seconds))
      try log.flush()
      guard isComplete else {
        try registry.interruptRun(record.id)
        return .interrupted(run: record.id, step: run.step)
      }
      let version = try publish(job, run, record)
      return .published(version, try evaluateAfterTraining(job, version, progress))
    } catch {
      try? registry.failRun(record.id, error: "\(error)")
      throw error
    }
  }

  /// Seconds on the clock that only goes forward.
  static func seconds() -> Double {
    ProcessInfo.processInfo.systemUptime
  }

  /// The version of a completed run of the same job, if it still is in the registry.
  private func trainedVersion(_ job: TrainingJob) throws -> VersionRecord? {
    let run = try runs(of: job.recipe.name).first {
      $0.status == .completed && $0.recipeDigest == job.digest && $0.version != nil
    }
    guard let number = run?.version else { return nil }
    return try registry.versions(of: job.recipe.name).first { $0.number == number }
  }

  /// The runs of an adapter, newest first; none where nobody has heard of it.
  private func runs(of adapter: String) throws -> [RunRecord] {
    do { return try registry.runs(of: adapter) } catch let error as RegistryError
      where error.code == .notFound
    { return [] }
  }

  /// An interrupted run of the same job, and its last checkpoint.
  private func resumable(_ job: TrainingJob) throws -> (record: RunRecord, state: [UInt8])? {
    guard let found = try registry.resumableRun(of: job.recipe.name, recipe: job.digest),
      let checkpoint = try registry.newestCheckpoint(ofRun: found.id)
    else { return nil }
    return (found, checkpoint.state)
  }

  /// The run to write: the stopped one, taken up again, or a new one.
  private func begin(
    _ job: TrainingJob, _ run: TrainingRun, _ stopped: (record: RunRecord, state: [UInt8])?,
    _ progress: (TrainingProgress) -> Void
  ) throws -> RunRecord {
    guard let stopped else { return try registry.startRun(job.newRun(totalSteps: run.totalSteps)) }
    try run.restore(stopped.state)
    let record = try registry.resumeRun(stopped.record.id)
    progress(.resumed(run: record.id, step: run.step))
    return record
  }

  private func publish(_ job: TrainingJob, _ run: TrainingRun, _ record: RunRecord) throws
    -> VersionRecord
  {
    let adapter = try job.adapter(run.result)
    let parent = try? registry.versions(of: job.recipe.name).first?.digest
    return try registry.publish(
      NewVersion(
        adapter: job.recipe.name, digest: adapter.digest, base: adapter.baseFingerprint,
        method: job.recipe.method.rawValue,
        rank: adapter.deltas.values.map(\.rank).max() ?? job.recipe.rank, alpha: job.recipe.alpha,
        configuration: String(decoding: adapter.configuration.file, as: UTF8.self),
        promptContract: String(decoding: adapter.promptContract, as: UTF8.self),
        weights: try adapter.weightsFile(), parent: parent, note: job.recipe.about),
      completing: record.id
    ).version
  }
}

/// The curve of a run on its way into the registry: points are gathered, so that quick steps do not wait for the disk.
final class RunLog {
  private let registry: Registry
  private let run: Int
  private var points: [RunPoint] = []
  private var lastFlush = Workspace.seconds()

  init(registry: Registry, run: Int) {
    self.registry = registry
    self.run = run
  }

  func add(_ event: TrainingEvent) throws {
    switch event {
    case .step(let report, let rate, _, let seconds):
      points.append(
        RunPoint(
          step: report.step, loss: report.loss, learningRate: rate,
          gradientNorm: report.gradientNorm, tokens: report.tokens, seconds: seconds))
    case .evaluation(let step, let metrics, _):
      points.append(RunPoint(step: step, evalLoss: metrics.loss))
    default: return
    }
    if Workspace.seconds() - lastFlush > 2 { try flush() }
  }

  func flush() throws {
    try registry.appendPoints(points, toRun: run)
    points = []
    lastFlush = Workspace.seconds()
  }
}
