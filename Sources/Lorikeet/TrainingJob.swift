import Adapters
import Checkpoints
import Digests
import Foundation
import Models
import Registry
import Tensors
import Tokenizers
import Training

/// A recipe made concrete on a base: its data as tokens, its layers, its start.
struct TrainingJob {
  let recipe: Recipe
  let base: LoadedBase
  let contract: PromptContract
  let configuration: LoRAConfiguration
  /// The deltas that training starts from.
  let start: [Int: LowRank]
  let train: Dataset
  let evaluation: Dataset?
  let sequences: [TrainingSequence]
  let report: EncodingReport
  let evaluationSequences: [TrainingSequence]
  let evaluationReport: EncodingReport?
  private let pool: WorkerPool

  /// - Parameter now: The time that the chat template may tell; a resumed run has that of its start.
  init(recipe: Recipe, base: LoadedBase, pool: WorkerPool, now: Date) throws {
    self.recipe = recipe
    self.base = base
    self.pool = pool
    try recipe.check()
    guard let trainFile = recipe.train else {
      throw TrainingError(
        .badRecipe, "no training data; give the recipe 'train' or pass --data FILE")
    }
    contract = try recipe.contract(of: base.contract)
    configuration = recipe.loraConfiguration.named(for: base.model.slots)
    let selection = try TargetSelection(configuration, slots: base.model.slots)
    try TrainingMemory(selection, of: base.model.slots).check()
    start = try selection.initialDeltas(
      slots: base.model.slots, initialisation: configuration.initialisation,
      seed: UInt64(recipe.seed))

    let encoder = try base.encoder(contract, now: now)
    var cut = recipe.encoderOptions
    cut.maximumLength = min(cut.maximumLength, base.model.configuration.contextLength)
    train = try Dataset.load(path: recipe.path(of: trainFile), options: recipe.trainingOptions)
    let encoded = try encoder.encode(train, options: cut)
    sequences = encoded.sequences
    report = encoded.report
    evaluation = try recipe.eval.map {
      try Dataset.load(path: recipe.path(of: $0), options: recipe.evaluationOptions)
    }
    let encodedEvaluation = try evaluation.map { [cut] in
      try encoder.encode($0, options: cut)
    }
    evaluationSequences = encodedEvaluation?.sequences ?? []
    evaluationReport = encodedEvaluation?.report
  }

  /// What a person should know about the data, or nil where all is well.
  var warning: String? { report.warning(maximumLength: recipe.maximumLength) }

  /// Values that are trained.
  var parameterCount: Int { start.values.reduce(0) { $0 + $1.a.count + $1.b.count } }

  /// The identity of everything that decides the result: recipe, data, base.
  var digest: Digest {
    let parts = [
      recipe.digest.hex, base.record.facts.fingerprint.hex, train.digest.hex,
      evaluation?.digest.hex ?? "", contract.tokenizer,
    ]
    return Digest.of(parts.joined(separator: "\n"))
  }

  func newRun(totalSteps: Int) -> NewRun {
    var datasets = ["train": record(train)]
    if let evaluation { datasets["eval"] = record(evaluation) }
    return NewRun(
      adapter: recipe.name, recipe: recipe.canonicalJSON, recipeDigest: digest,
      base: base.record.facts.fingerprint, seed: UInt64(recipe.seed), totalSteps: totalSteps,
      program: Workspace.program, datasets: datasets)
  }

  private func record(_ dataset: Dataset) -> DatasetRecord {
    DatasetRecord(digest: dataset.digest, path: dataset.path, rows: dataset.examples.count)
  }

  func makeRun(pool: WorkerPool) throws -> TrainingRun {
    let plan = try recipe.batchPlan(lengths: sequences.map(\.tokens.count))
    let trainer = Trainer(
      model: base.model, deltas: start, settings: recipe.trainerSettings, pool: pool)
    let model = base.model
    let evaluator = Evaluator(model: model, pool: pool)
    let held = evaluationSequences
    return TrainingRun(
      trainer: trainer, sequences: sequences, plan: plan,
      rate: recipe.learningRate(totalSteps: plan.countSteps()), rhythm: recipe.rhythm,
      evaluate: held.isEmpty
        ? nil
        : { deltas in
          var metrics = Metrics()
          let updates = ResidentUpdates(AdapterUpdates(lowRank: deltas), for: model)
          metrics.record(try evaluator.tallies(held, updates: updates))
          return metrics
        })
  }

  /// The immutable version of `deltas`.
  /// - Parameter isStart: Whether it may change nothing yet.
  func adapter(_ deltas: [Int: LowRank], isStart: Bool = false) throws -> Adapter {
    try Adapter(
      configuration: configuration, baseFingerprint: base.record.facts.fingerprint,
      promptContract: contract.canonicalJSON, slots: base.model.slots, deltas: deltas,
      isStart: isStart)
  }

  /// The digest that a version of `deltas` would have, which a run keeps with each checkpoint.
  ///
  /// Of the adapter, not of the whole state: it means the same as a version's digest and outlives the form in which
  /// states are written. Where the optimizer's moments differ, the next step's loss or digest tells. In the first steps
  /// of a warm-up the adapter may change nothing yet.
  func digest(of deltas: [Int: LowRank]) throws -> Digest {
    try adapter(deltas, isStart: true).digest
  }
}
