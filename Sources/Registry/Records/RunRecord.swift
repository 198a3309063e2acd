public import Digests
public import Foundation

/// A dataset by content.
public struct DatasetRecord: Sendable, Hashable {
  /// The digest of the file's bytes.
  public var digest: Digest
  /// Where it was last seen.
  public var path: String
  /// How many examples were read of it.
  public var rows: Int

  /// A dataset with these facts.
  public init(digest: Digest, path: String, rows: Int) {
    self.digest = digest
    self.path = path
    self.rows = rows
  }
}

/// What a caller knows of a training run that it starts.
public struct NewRun: Sendable, Hashable {
  /// The name of the adapter to be.
  public var adapter: String
  /// The whole recipe, JSON.
  public var recipe: String
  /// The identity of everything that decides the result: recipe, data, base; a resumed run has the same.
  public var recipeDigest: Digest
  /// The fingerprint of the base.
  public var base: Digest
  /// The seed.
  public var seed: UInt64
  /// How many steps it will take, where known.
  public var totalSteps: Int?
  /// Who trains: name and version.
  public var program: String
  /// The datasets by role (`train`, `eval`).
  public var datasets: [String: DatasetRecord]

  /// A run with these facts.
  public init(
    adapter: String, recipe: String, recipeDigest: Digest, base: Digest, seed: UInt64,
    totalSteps: Int? = nil, program: String, datasets: [String: DatasetRecord] = [:]
  ) {
    self.adapter = adapter
    self.recipe = recipe
    self.recipeDigest = recipeDigest
    self.base = base
    self.seed = seed
    self.totalSteps = totalSteps
    self.program = program
    self.datasets = datasets
  }
}

/// Where a run stands.
public enum RunStatus: String, Sendable, Hashable {
  /// Its process writes it.
  case running
  /// It was stopped, or its process is gone: it can be resumed.
  case interrupted
  /// It ended; its version is published.
  case completed
  /// It ended with an error.
  case failed
}

/// A training run.
public struct RunRecord: Sendable, Hashable {
  /// Its number.
  public let id: Int
  /// The name of the adapter.
  public let adapter: String
  /// Where it stands; a run whose process is gone is `interrupted`.
  public let status: RunStatus
  /// The whole recipe, JSON.
  public let recipe: String
  /// The identity of everything that decides the result.
  public let recipeDigest: Digest
  /// The fingerprint of the base.
  public let base: Digest
  /// The seed.
  public let seed: UInt64
  /// How many steps it was to take, where known.
  public let totalSteps: Int?
  /// Who trained: name and version.
  public let program: String
  /// When it started.
  public let started: Date
  /// When it ended.
  public let ended: Date?
  /// The number of the version it made, while that is kept.
  public let version: Int?
  /// Why it failed.
  public let error: String?
  /// The last step of its curve, 0 where there is none.
  public let step: Int
  /// The last loss of its curve.
  public let loss: Double?
  /// The process that writes it.
  public let owner: ProcessIdentity
  /// The owner's last sign of life.
  public let seen: Date

  static let select = """
    SELECT r.id, a.name, r.status, r.recipe, r.recipe_digest, r.base_fingerprint, r.seed,
      r.total_steps, r.program, r.started, r.ended, v.number, r.error,
      (SELECT step FROM run_points p WHERE p.run_id = r.id ORDER BY step DESC LIMIT 1),
      (SELECT loss FROM run_points p WHERE p.run_id = r.id AND loss IS NOT NULL
        ORDER BY step DESC LIMIT 1),
      r.owner_process, r.owner_start, r.owner_boot, r.owner_space, r.seen
    FROM runs r
    JOIN adapters a ON a.id = r.adapter_id
    LEFT JOIN versions v ON v.id = r.version_id

    """

  /// `now` judges whether an owner that cannot be seen from here has fallen silent.
  init(_ row: inout Row, now: Date) throws {
    id = try row.integer()
    adapter = try row.text()
    let word = try row.text()
    recipe = try row.text()
    recipeDigest = try row.digest()
    base = try row.digest()
    seed = try row.bits()
    totalSteps = try row.optional { try $0.integer() }
    program = try row.text()
    started = try row.date()
    ended = try row.optional { try $0.date() }
    version = try row.optional { try $0.integer() }
    error = try row.optional { try $0.text() }
    step = try row.optional { try $0.integer() } ?? 0
    loss = try row.optional { try $0.real() }
    owner = ProcessIdentity(
      process: try row.integer(), start: try row.integer(), boot: try row.text(),
      space: try row.text())
    seen = try row.date()
    guard let stored = RunStatus(rawValue: word) else {
      throw RegistryError(.damaged, "run \(id) has no status that we know; restore a backup")
    }
    // A sign of life from the future comes of a clock that went back since: a living owner will give another.
    let alive = owner.isAlive ?? (abs(now.timeIntervalSince(seen)) < Self.silence)
    status = stored == .running && !alive ? .interrupted : stored
  }

  /// An owner in another container counts as gone after this many seconds without a sign of life.
  static let silence: Double = 600
}

/// A point of a run's curve. What is nil was not measured at this step.
public struct RunPoint: Sendable, Hashable {
  /// The optimizer step, from 1.
  public var step: Int
  /// The training loss.
  public var loss: Double?
  /// The learning rate.
  public var learningRate: Double?
  /// The norm of the gradient before clipping.
  public var gradientNorm: Double?
  /// Tokens seen so far.
  public var tokens: Int?
  /// Seconds of training so far.
  public var seconds: Double?
  /// The loss on the evaluation data.
  public var evalLoss: Double?

  /// A point with these values.
  public init(
    step: Int, loss: Double? = nil, learningRate: Double? = nil, gradientNorm: Double? = nil,
    tokens: Int? = nil, seconds: Double? = nil, evalLoss: Double? = nil
  ) {
    self.step = step
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.tokens = tokens
    self.seconds = seconds
    self.evalLoss = evalLoss
  }
}

/// A saved state of a run, from which it resumes.
public struct CheckpointRecord: Sendable, Hashable {
  /// The step after which it was taken.
  public let step: Int
  /// The digest of the state's bytes; ``Registry/blob(_:)`` gives them.
  public let state: Digest
  /// The state's bytes, counted.
  public let size: Int
  /// What the trainer wrote beside it, JSON.
  public let facts: String
  /// When it was saved.
  public let created: Date
}
