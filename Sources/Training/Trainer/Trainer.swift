public import Adapters
import Autograd
public import Models
public import Tensors

/// What one optimizer step did.
public struct StepReport: Sendable, Equatable {
  /// Steps done so far, this one included.
  public var step: Int
  /// Mean loss over the target tokens, before the update, in nats.
  public var loss: Double
  /// Global norm of the gradient, before clipping.
  public var gradientNorm: Double
  /// Tokens of the step's sequences.
  public var tokens: Int
  /// Tokens that were to be foreseen.
  public var targetTokens: Int
  /// Rows that went through the model: the tokens up to each sequence's last target, shared prefixes once.
  public var rows: Int
  /// Rows that would have gone through it besides if no prefix had been shared.
  public var sparedRows: Int
}

/// Trains the low-rank deltas of one adapter over a frozen model, a step at a time.
///
/// It knows nothing of files, schedules or registries: `TrainingRun` feeds it. Everything that a later step depends
/// on is in `state`, so that a run can be resumed exactly.
public final class Trainer {
  /// The frozen base.
  public let model: Model
  let settings: TrainerSettings
  let scales: [Int: Float]
  let parameters: [TrainerParameter]
  private let pool: WorkerPool
  private let recycler = BufferRecycler()
  /// Optimizer steps done.
  public internal(set) var step = 0

  /// A trainer that starts from `deltas`, by slot index.
  public init(model: Model, deltas: [Int: LowRank], settings: TrainerSettings, pool: WorkerPool) {
    self.model = model
    self.settings = settings
    self.pool = pool
    scales = deltas.mapValues(\.scale)
    parameters = deltas.sorted { $0.key < $1.key }.flatMap { slot, delta in
      [
        TrainerParameter(slot: slot, half: .a, value: delta.a),
        TrainerParameter(slot: slot, half: .b, value: delta.b),
      ]
    }
  }

  /// The deltas as they stand: copies that later steps do not change.
  public var deltas: [Int: LowRank] {
    var result: [Int: LowRank] = [:]
    for (a, b) in pairs {
      result[a.slot] = LowRank(
        a: a.variable.value.copied(), b: b.variable.value.copied(), scale: scales[a.slot] ?? 0)
    }
    return result
  }

  /// Runs forward and backward over `sequences` and updates the deltas once.
  /// - Parameter rate: The learning rate of this step.
  /// - Throws: `TrainingError` where nothing in the batch has a target, or the loss is not a number; nothing is
  ///   updated then.
  public func step(_ sequences: [TrainingSequence], rate: Float) throws -> StepReport {
    let targets = sequences.reduce(0) { $0 + $1.targetCount }
    guard targets > 0 else {
      throw TrainingError(.badData, "step \(step + 1): no token of the batch has a loss")
    }
    var loss = 0.0
    for parameter in parameters { parameter.variable.clearGradient() }
    let parts = TrainingPart.parts(
      of: sequences, maximumRows: settings.maximumRows ?? (model.weights == .f32 ? 2048 : 512),
      sharesPrefixes: settings.sharesPrefixes && settings.dropout == 0)
    for (index, part) in parts.enumerated() {
      loss += try accumulate(part, scale: 1 / Float(targets), index: index)
    }
    let norm = gradientNorm()
    guard loss.isFinite, norm.isFinite else {
      throw TrainingError(
        .diverged,
        "step \(step + 1): loss \(loss / Double(targets)), gradient norm \(norm): "
          + "training has diverged; lower the learning rate")
    }
    step += 1
    update(rate: rate, norm: norm)
    return StepReport(
      step: step, loss: loss / Double(targets), gradientNorm: norm,
      tokens: sequences.reduce(0) { $0 + $1.tokens.count }, targetTokens: targets,
      rows: parts.reduce(0) { $0 + $1.batch.rowCount },
      sparedRows: parts.reduce(0) { $0 + $1.sparedRows })
  }

  /// The gradient of every parameter after the last `step`, A and B by slot; for tests.
  package var gradients: [Int: (a: Matrix?, b: Matrix?)] {
    var result: [Int: (a: Matrix?, b: Matrix?)] = [:]
    for (a, b) in pairs { result[a.slot] = (a.variable.gradient, b.variable.gradient) }
    return result
  }

  private var pairs: [(TrainerParameter, TrainerParameter)] {
    stride(from: 0, to: parameters.count, by: 2).map { (parameters[$0], parameters[$0 + 1]) }
  }

  /// Adds one part's gradients; returns its summed loss.
  private func accumulate(_ part: TrainingPart, scale: Float, index: Int) throws -> Double {
    guard !part.targets.isEmpty else { return 0 }
    let tape = Tape(pool: pool, recycler: recycler, recording: true)
    let deltas = batchDeltas(rows: part.batch.rowCount, part: index)
    let hidden = try model.hiddenStates(
      part.batch, updates: BatchUpdates(deltas: deltas), wanted: part.wanted,
      recomputing: settings.recomputesBlocks,
      on: tape)
    let headDeltas = deltas.mapValues { $0.map { $0.covering(0..<part.wanted.count) } }
    let result = model.loss(
      hidden, targets: part.targets, gradientScale: scale,
      updates: BatchUpdates(deltas: headDeltas),
      on: tape)
    tape.backward()
    return result.losses.reduce(0) { $0 + Double($1) }
  }

  /// This step's deltas over `rows` rows, with this step's dropout.
  private func batchDeltas(rows: Int, part: Int) -> [Int: [LowRankDelta]] {
    var deltas: [Int: [LowRankDelta]] = [:]
    for (a, b) in pairs {
      let dropout =
        settings.dropout > 0
        ? Dropout(probability: settings.dropout, seed: dropoutSeed(slot: a.slot, part: part)) : nil
      deltas[a.slot] = [
        LowRankDelta(
          rows: 0..<rows, a: a.variable, b: b.variable, scale: scales[a.slot] ?? 0,
          dropout: dropout)
      ]
    }
    return deltas
  }

  /// A seed for each step, part and slot, so that no random state needs to be kept.
  private func dropoutSeed(slot: Int, part: Int) -> UInt64 {
    var seed = settings.seed
    for number in [step, part, slot] { seed = SplitMix64.mix(seed &+ UInt64(number) &+ 1) }
    return seed
  }

  private func gradientNorm() -> Double {
    parameters.reduce(0) { $0 + ($1.variable.gradient?.sumOfSquares ?? 0) }.squareRoot()
  }

  private func update(rate: Float, norm: Double) {
    // The small number in the denominator is torch.nn.utils.clip_grad_norm_'s.
    let factor = settings.clip.map { min(1, Float(Double($0) / (norm + 1e-6))) } ?? 1
    pool.forEach(parameters.count) { index in
      let parameter = parameters[index]
      guard let gradient = parameter.variable.gradient else { return }
      if factor < 1 { gradient.scale(by: factor) }
      parameter.variable.value.adamWStep(
        gradient: gradient, firstMoment: parameter.firstMoment,
        secondMoment: parameter.secondMoment,
        rate: parameter.half == .b ? rate * settings.rateRatioB : rate, beta1: settings.beta1,
        beta2: settings.beta2, epsilon: settings.epsilon, weightDecay: settings.weightDecay,
        step: step)
    }
  }
}
