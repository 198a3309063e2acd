import Adapters
import Checkpoints
import Digests
import Foundation
public import JSON
import Models
import Registry
import Serving
import Tensors
import Tokenizers
public import Training

/// How to evaluate.
public struct EvaluationOptions: Sendable, Equatable {
  /// How the data is read.
  public var data = Dataset.Options()
  /// The most tokens of an answer.
  public var answerTokens = 128
  /// Which tokens the loss is over.
  public var scope = LossScope.all
  /// The longest sequence.
  public var maximumLength = 1024
  /// What becomes of longer rows.
  public var truncation = Truncation.keepAnswer
  /// The small set of right answers, where the data alone does not tell.
  public var labels: [String] = []
  /// Evaluates again even where the registry has the result.
  public var isForced = false

  /// The defaults: answers of up to 128 tokens.
  public init() {}
}

/// What an evaluation found, and where it came from.
public struct EvaluationOutcome: Sendable {
  /// The figures.
  public let metrics: Metrics
  /// The results row by row.
  public let examples: [ExampleResult]
  /// The data, with as many rows as were measured.
  public let dataset: DatasetRecord
  /// Whether the registry had it.
  public let isKept: Bool
  /// The answers of a classification, where the settings name them.
  let labels: [String]

  /// Rows that were measured.
  public var rows: Int { dataset.rows }

  /// The results, ready to be compared with others on the same data.
  public var results: EvaluationResults {
    EvaluationResults(
      examples, figures: metrics.figures.compactMap { Figure(rawValue: $0.name) }, labels: labels)
  }
}

extension Workspace {
  /// Measures the version that `reference` names (`base` for the base itself) on the dataset at `path`.
  ///
  /// The result is kept in the registry by version, dataset and settings, and not computed twice.
  public func evaluate(
    _ reference: String, data path: String, base name: String? = nil,
    options: EvaluationOptions = EvaluationOptions(), progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> EvaluationOutcome {
    let (base, version) = try open(reference, base: name)
    let dataset = try Dataset.load(path: path, options: options.data)
    let pinned = try version.map { try pin($0, on: base) }
    let subject =
      version.map {
        NewEvaluation.Subject.version(adapter: $0.adapter, number: $0.number)
      }
      ?? .base(base.record.facts.fingerprint)
    return try evaluate(
      subject, adapter: pinned?.adapter, on: base, dataset: dataset, options: options,
      progress: progress)
  }

  func evaluate(
    _ subject: NewEvaluation.Subject, adapter: ResidentAdapter?, on base: LoadedBase,
    dataset: Dataset,
    options: EvaluationOptions, progress: (Int, Int) -> Void
  ) throws -> EvaluationOutcome {
    let settings = options.json(on: base).text(.canonical)
    if !options.isForced,
      let record = try registry.evaluation(
        of: subject, dataset: dataset.digest, settings: settings),
      let kept = try kept(record)
    {
      return kept
    }
    let contract =
      try adapter.map { try PromptContract(canonicalJSON: $0.promptContract) }
      ?? base.contract
    let encoder = try base.encoder(contract)
    let updates = adapter?.updates ?? ResidentUpdates(for: base.model)
    var cut = options.encoder
    cut.maximumLength = min(cut.maximumLength, base.model.configuration.contextLength)
    let sequences = try encoder.encode(dataset, options: cut).sequences
    // Before anything takes long.
    let questions = try encoder.questions(
      dataset, contextLength: base.model.configuration.contextLength)
    let evaluator = Evaluator(model: base.model, pool: pool)
    var metrics = Metrics()
    let tallies = try evaluator.tallies(sequences, updates: updates)
    metrics.record(tallies)
    let tokens = try evaluator.greedyAnswers(
      to: questions.map(\.prompt), updates: updates, stopTokens: Set(contract.stops.map(\.token)),
      maximumTokens: options.answerTokens, progress: { progress($0, questions.count) })
    let answers = tokens.map { base.tokenizer.decode($0, skipSpecialTokens: true) }
    metrics.record(
      answers: answers, references: questions.map(\.reference),
      labels: options.labels.isEmpty ? nil : options.labels)
    let examples = ExampleResult.collect(sequences, tallies, questions, answers)
    let outcome = EvaluationOutcome(
      metrics: metrics, examples: examples,
      dataset: DatasetRecord(digest: dataset.digest, path: dataset.path, rows: examples.count),
      isKept: false, labels: options.labels)
    try keep(outcome, of: subject, settings)
    return outcome
  }

  private func keep(
    _ outcome: EvaluationOutcome, of subject: NewEvaluation.Subject, _ settings: String
  ) throws {
    let score = outcome.metrics.score
    _ = try registry.keepEvaluation(
      NewEvaluation(
        subject: subject, dataset: outcome.dataset, settings: settings,
        metrics: outcome.metrics.json.text(.canonical), score: score?.value,
        scoreName: score?.name,
        answers: JSONValue.array(outcome.examples.map(\.json)).bytes(.compact),
        program: Workspace.program))
  }

  /// What the registry kept of an evaluation; nil where it was made before rows were kept with their losses.
  func kept(_ record: EvaluationRecord) throws -> EvaluationOutcome? {
    guard let answers = record.answers,
      let metrics = Metrics(json: try JSONValue(parsing: record.metrics)),
      let rows = try JSONValue(parsing: registry.blob(answers)).arrayValue
    else { return nil }
    let examples = rows.compactMap(ExampleResult.init)
    guard examples.count == rows.count else { return nil }
    let labels = try JSONValue(parsing: record.settings)["labels"]?.arrayValue ?? []
    return EvaluationOutcome(
      metrics: metrics, examples: examples,
      dataset: DatasetRecord(
        digest: record.dataset, path: record.datasetPath, rows: examples.count),
      isKept: true, labels: labels.compactMap(\.stringValue))
  }

  /// The evaluation that follows training, on the recipe's own held-out data.
  func evaluateAfterTraining(
    _ job: TrainingJob, _ version: VersionRecord, _ progress: (TrainingProgress) -> Void
  ) throws -> Metrics? {
    guard let dataset = job.evaluation else { return nil }
    // As it will answer, so that a later evaluation finds this one.
    let base = try openBase(job.base.record, weights: servingWeights)
    let pinned = try pin(version, on: base)
    return try evaluate(
      .version(adapter: version.adapter, number: version.number), adapter: pinned.adapter,
      on: base, dataset: dataset,
      options: EvaluationOptions(job.recipe),
      progress: { progress(.answering(done: $0, total: $1)) }
    ).metrics
  }
}

extension Workspace {
  /// How the first of `references` that was trained here wants to be evaluated; the defaults where none was.
  public func evaluationOptions(for references: [String]) throws -> EvaluationOptions {
    for reference in references {
      guard let run = try version(reference)?.run else { continue }
      return EvaluationOptions(try Recipe(parsing: registry.run(run).recipe.utf8))
    }
    return EvaluationOptions()
  }
}

extension EvaluationOptions {
  /// How a recipe wants to be evaluated.
  public init(_ recipe: Recipe) {
    data = recipe.evaluationOptions
    answerTokens = recipe.evalTokens
    scope = recipe.loss
    maximumLength = recipe.maximumLength
    truncation = recipe.truncation
    labels = recipe.labels
  }

  var encoder: SequenceEncoder.Options {
    SequenceEncoder.Options(
      scope: scope, maximumLength: maximumLength, truncation: truncation)
  }

  /// The settings that change the result; weights as floats go without saying.
  func json(on base: LoadedBase) -> JSONValue {
    var settings: JSONObject = [
      "answerTokens": .int(answerTokens), "scope": .string(scope.rawValue),
      "maximumLength": .int(maximumLength), "truncation": .string(truncation.rawValue),
      "labels": .array(labels.map(JSONValue.string)),
      "prompt": data.prompt.map(JSONValue.string) ?? .null,
      "completion": data.completion.map(JSONValue.string) ?? .null,
      "limit": data.limit.map(JSONValue.int) ?? .null,
    ]
    if base.model.weights != .f32 { settings["weights"] = .string(base.model.weights.rawValue) }
    return .object(settings)
  }
}

extension Metrics {
  /// Names and values.
  public var json: JSONValue {
    .object(JSONObject(figures.map { ($0.name, JSONValue.double($0.value)) }))
  }

  /// Reads what `json` wrote; the perplexity follows from the loss.
  init?(json: JSONValue) {
    guard json.objectValue != nil else { return nil }
    self.init()
    loss = json["loss"]?.doubleValue
    tokenAccuracy = json["tokenAccuracy"]?.doubleValue
    exactMatch = json["exactMatch"]?.doubleValue
    accuracy = json["accuracy"]?.doubleValue
    macroF1 = json["macroF1"]?.doubleValue
    validJSON = json["validJSON"]?.doubleValue
  }

  /// The one figure to list a version by: the most telling that there is.
  public var score: (name: String, value: Double)? {
    if let accuracy { return ("accuracy", accuracy) }
    if let exactMatch { return ("exactMatch", exactMatch) }
    if let loss { return ("loss", loss) }
    return nil
  }
}
