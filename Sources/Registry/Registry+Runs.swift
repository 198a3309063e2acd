public import Digests
import Foundation

extension Registry {
  /// Starts a run of this process. The adapter's name is taken from now on, though it has no version yet.
  public func startRun(_ run: NewRun) throws -> RunRecord {
    try write { database in
      let adapter = try adapterMade(run.adapter, in: database)
      let time = SQLValue(now())
      try database.run(
        """
        INSERT INTO runs (adapter_id, status, recipe, recipe_digest, base_fingerprint, seed,
          total_steps, program, started, owner_process, owner_start, owner_boot, owner_space, seen)
        VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          SQLValue(adapter), .text(run.recipe), SQLValue(run.recipeDigest), SQLValue(run.base),
          SQLValue(bits: run.seed), SQLValue(run.totalSteps), .text(run.program), time,
        ] + ownerValues + [time])
      let id = database.lastInserted
      for (role, dataset) in run.datasets {
        try keepDataset(dataset, in: database)
        try database.run(
          "INSERT INTO run_datasets (run_id, role, digest, rows) VALUES (?, ?, ?, ?)",
          [SQLValue(id), .text(role), SQLValue(dataset.digest), SQLValue(dataset.rows)])
      }
      return try self.run(id, in: database)
    }
  }

  /// The run of this number.
  public func run(_ id: Int) throws -> RunRecord {
    try read { database in try run(id, in: database) }
  }

  /// The runs, newest first; those of one adapter where given.
  public func runs(of adapter: String? = nil, limit: Int? = nil) throws -> [RunRecord] {
    try snapshot { database in
      let id = try adapter.map { try self.adapter($0, in: database) }
      let time = now()
      // Not "?1 IS NULL OR": that would look through every run there is.
      return try database.all(
        RunRecord.select + (id == nil ? "" : "WHERE r.adapter_id = ? ")
          + "ORDER BY r.id DESC LIMIT ?",
        (id.map { [SQLValue($0)] } ?? []) + [SQLValue(limit ?? -1)]
      ) { try RunRecord(&$0, now: time) }
    }
  }

  /// The datasets of a run, by role.
  public func datasets(ofRun id: Int) throws -> [String: DatasetRecord] {
    try read { database in try datasets(ofRun: id, in: database) }
  }

  /// The newest run of this adapter and recipe that stopped before its end and that no living process writes.
  ///
  /// A failed run counts where it has a checkpoint: a full disk is no reason to train from the start.
  public func resumableRun(of adapter: String, recipe: Digest) throws -> RunRecord? {
    try read { database in
      let time = now()
      let open = try database.all(
        RunRecord.select + """
          WHERE a.name = ? AND r.recipe_digest = ? AND (r.status IN ('running', 'interrupted')
            OR r.status = 'failed' AND EXISTS (SELECT 1 FROM checkpoints c WHERE c.run_id = r.id))
          ORDER BY r.id DESC
          """, [.text(adapter), SQLValue(recipe)]
      ) { try RunRecord(&$0, now: time) }
      return open.first { $0.status != .running }
    }
  }

  /// Takes a stopped run over for this process; refused where a living process writes it or it is completed.
  public func resumeRun(_ id: Int) throws -> RunRecord {
    try write { database in
      let found = try run(id, in: database)
      switch found.status {
      case .interrupted, .failed: break
      case .running:
        throw RegistryError(
          .notOwner, "run \(id) is being written by process \(found.owner.process); wait for it")
      case .completed:
        throw RegistryError(.notOwner, "run \(id) is completed; start a new one")
      }
      try database.run(
        """
        UPDATE runs SET status = 'running', ended = NULL, error = NULL, owner_process = ?,
          owner_start = ?, owner_boot = ?, owner_space = ?, seen = ? WHERE id = ?
        """, ownerValues + [SQLValue(now()), SQLValue(id)])
      return try run(id, in: database)
    }
  }

  /// Adds points to the curve of a run of this process, in one transaction.
  ///
  /// What is there for a step already is kept where the new point has nil, and replaced where it has a value: a resumed
  /// run writes its last steps again.
  public func appendPoints(_ points: [RunPoint], toRun id: Int) throws {
    guard !points.isEmpty else { return }
    try write { database in
      try signLife(id, in: database)
      try insert(points, ofRun: id, in: database)
    }
  }

  /// Adds `points` to the curve of the run `id`, or fills those that are there.
  func insert(_ points: [RunPoint], ofRun id: Int, in database: Database) throws {
    try database.run(
      """
      INSERT INTO run_points (run_id, step, loss, learning_rate, gradient_norm, tokens, seconds,
        eval_loss) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run_id, step) DO UPDATE SET
        loss = coalesce(excluded.loss, loss),
        learning_rate = coalesce(excluded.learning_rate, learning_rate),
        gradient_norm = coalesce(excluded.gradient_norm, gradient_norm),
        tokens = coalesce(excluded.tokens, tokens),
        seconds = coalesce(excluded.seconds, seconds),
        eval_loss = coalesce(excluded.eval_loss, eval_loss)
      """,
      each: points.map { point in
        [
          SQLValue(id), SQLValue(point.step), SQLValue(point.loss), SQLValue(point.learningRate),
          SQLValue(point.gradientNorm), SQLValue(point.tokens), SQLValue(point.seconds),
          SQLValue(point.evalLoss),
        ]
      })
  }

  /// The curve of a run, by step.
  public func points(ofRun id: Int) throws -> [RunPoint] {
    try read { database in try points(ofRun: id, in: database) }
  }

  func datasets(ofRun id: Int, in database: Database) throws -> [String: DatasetRecord] {
    let found = try database.all(
      """
      SELECT r.role, d.digest, d.path, r.rows FROM run_datasets r
      JOIN datasets d ON d.digest = r.digest WHERE r.run_id = ?
      """, [SQLValue(id)]
    ) {
      (
        try $0.text(),
        DatasetRecord(
          digest: try $0.digest(), path: try $0.text(), rows: try $0.integer())
      )
    }
    return Dictionary(found) { first, _ in first }
  }

  func points(ofRun id: Int, in database: Database) throws -> [RunPoint] {
    try database.all(
      """
      SELECT step, loss, learning_rate, gradient_norm, tokens, seconds, eval_loss
      FROM run_points WHERE run_id = ? ORDER BY step
      """, [SQLValue(id)]
    ) { row in
      RunPoint(
        step: try row.integer(), loss: try row.optional { try $0.real() },
        learningRate: try row.optional { try $0.real() },
        gradientNorm: try row.optional { try $0.real() },
        tokens: try row.optional { try $0.integer() },
        seconds: try row.optional { try $0.real() },
        evalLoss: try row.optional { try $0.real() })
    }
  }

  func run(_ id: Int, in database: Database) throws -> RunRecord {
    let time = now()
    let found = try database.first(RunRecord.select + "WHERE r.id = ?", [SQLValue(id)]) {
      try RunRecord(&$0, now: time)
    }
    guard let found else {
      throw RegistryError(.notFound, "no run \(id) in the registry; 'runs' lists them")
    }
    return found
  }

  /// Keeps `dataset`; its path is where it was seen last, its rows are those of the first who read it.
  func keepDataset(_ dataset: DatasetRecord, in database: Database) throws {
    try database.run(
      """
      INSERT INTO datasets (digest, path, rows, seen) VALUES (?, ?, ?, ?)
      ON CONFLICT (digest) DO UPDATE SET path = excluded.path, seen = excluded.seen
      """,
      [SQLValue(dataset.digest), .text(dataset.path), SQLValue(dataset.rows), SQLValue(now())])
  }

  private var ownerValues: [SQLValue] {
    [
      SQLValue(owner.process), SQLValue(owner.start), .text(owner.boot), .text(owner.space),
    ]
  }
}
