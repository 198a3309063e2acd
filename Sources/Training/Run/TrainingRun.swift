public import Adapters

/// A training run: batches in their order, a learning rate for each step, evaluations, checkpoints, an early stop.
///
/// Everything that decides what comes next is in its state, so a run that was killed goes on from its last
/// checkpoint to the same bytes. Where the state is kept is the caller's business.
public final class TrainingRun {
  /// When to look at the held-out data and when to keep the state.
  public struct Rhythm: Sendable, Equatable {
    /// Steps between evaluations; nil for none.
    public var evaluateEvery: Int?
    /// Evaluations without a better loss before the run stops; nil for never.
    public var patience: Int?
    /// Whether the result is the state with the best held-out loss rather than the last.
    public var keepsBest = false
    /// Steps between checkpoints; there is one after the last step as well.
    public var checkpointEvery = 10

    /// No evaluation, a checkpoint every ten steps.
    public init() {}
  }

  /// The best held-out loss so far.
  struct Best {
    var step: Int
    var loss: Double
    var deltas: [Int: LowRank]
  }

  /// What to do outside: keep a state, tell an event, say whether to stop. All are called between steps.
  public struct Hooks {
    /// Keeps the bytes of a state; the run goes on when it returns.
    public var save: (_ step: Int, _ state: [UInt8]) throws -> Void
    /// Tells what happened.
    public var tell: (TrainingEvent) throws -> Void
    /// Whether to stop after this step, to be resumed later.
    public var shouldStop: () -> Bool
    /// Seconds on a clock that only goes forward.
    public var seconds: () -> Double

    /// What to do outside; by default nothing.
    public init(
      save: @escaping (Int, [UInt8]) throws -> Void = { _, _ in },
      tell: @escaping (TrainingEvent) throws -> Void = { _ in },
      shouldStop: @escaping () -> Bool = { false }, seconds: @escaping () -> Double
    ) {
      self.save = save
      self.tell = tell
      self.shouldStop = shouldStop
      self.seconds = seconds
    }
  }

  let trainer: Trainer
  let plan: BatchPlan
  var cursor: BatchPlan.Cursor
  var best: Best?
  var evaluationsSinceBest = 0
  var stoppedEarly = false
  private let sequences: [TrainingSequence]
  private let rate: LearningRate
  private let rhythm: Rhythm
  private let evaluate: (([Int: LowRank]) throws -> Metrics)?

  /// A run of `trainer` over `sequences` in the order of `plan`.
  /// - Parameter evaluate: The metrics of deltas on held-out data; nil where there is none.
  public init(
    trainer: Trainer, sequences: [TrainingSequence], plan: BatchPlan, rate: LearningRate,
    rhythm: Rhythm, evaluate: (([Int: LowRank]) throws -> Metrics)? = nil
  ) {
    precondition(plan.lengths.count == sequences.count, "TrainingRun: the plan is for other data")
    self.trainer = trainer
    self.sequences = sequences
    self.plan = plan
    self.rate = rate
    self.rhythm = rhythm
    self.evaluate = evaluate
    cursor = plan.start
  }

  /// Optimizer steps in the whole run.
  public var totalSteps: Int { rate.totalSteps }

  /// Optimizer steps done.
  public var step: Int { cursor.step }

  /// The deltas as they stand.
  public var deltas: [Int: LowRank] { trainer.deltas }

  /// The deltas to publish: the best, where the rhythm keeps it and there is one, else the last.
  public var result: [Int: LowRank] { rhythm.keepsBest ? best?.deltas ?? deltas : deltas }

  /// Trains from where the state stands to the end, or until `shouldStop` says so.
  /// - Returns: Whether the run is complete.
  public func go(_ hooks: Hooks) throws -> Bool {
    let total = rate.totalSteps
    try hooks.tell(.started(step: cursor.step, totalSteps: total))
    var steps = try plan.steps(from: cursor)
    while !stoppedEarly, let next = steps.next() {
      let begin = hooks.seconds()
      let now = rate.value(at: cursor.step)
      let report = try trainer.step(
        next.batches.joined().map { sequences[$0] }, rate: Float(now))
      cursor = steps.cursor
      try hooks.tell(
        .step(report, rate: now, totalSteps: total, seconds: hooks.seconds() - begin))
      try evaluateIfDue(hooks)
      let stops = hooks.shouldStop()
      let isLast = stoppedEarly || cursor.step == total
      if stops || isLast || cursor.step % rhythm.checkpointEvery == 0 {
        try hooks.save(cursor.step, state())
        try hooks.tell(.checkpoint(step: cursor.step))
      }
      if stops, cursor.step < total { return false }
    }
    return true
  }

  private func evaluateIfDue(_ hooks: Hooks) throws {
    guard let evaluate, let every = rhythm.evaluateEvery, cursor.step % every == 0 else { return }
    let deltas = trainer.deltas
    let metrics = try evaluate(deltas)
    let loss = metrics.loss ?? .infinity
    let isBest = loss < best?.loss ?? .infinity
    if isBest {
      best = Best(step: cursor.step, loss: loss, deltas: deltas)
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    try hooks.tell(.evaluation(step: cursor.step, metrics: metrics, isBest: isBest))
    if let patience = rhythm.patience, evaluationsSinceBest >= patience {
      stoppedEarly = true
      try hooks.tell(.stoppedEarly(step: cursor.step, bestStep: best?.step ?? cursor.step))
    }
  }
}
