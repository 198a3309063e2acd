import Digests
import Foundation

extension Registry {
  /// Adds a version of `bundle` with its run to the adapter in the row `id`; its number.
  func add(
    _ version: BundleContents.Version, of bundle: AdapterBundle, to id: Int, _ name: String,
    in database: Database
  ) throws -> Int {
    let record = version.record
    let run = try version.run.map { try add($0, to: id, in: database) }
    let number = try insert(
      NewVersion(
        adapter: name, digest: record.digest, base: record.base, method: record.method,
        rank: record.rank, alpha: record.alpha, configuration: record.configuration,
        promptContract: record.promptContract, weights: try bundle.blob(record.weights),
        parent: record.parent, note: record.note),
      weights: record.weights, adapter: id, run: run, number: record.number,
      created: record.created, action: "import", in: database)
    if let run {
      try database.run(
        """
        UPDATE runs SET version_id =
          (SELECT id FROM versions WHERE adapter_id = ? AND number = ?) WHERE id = ?
        """, [SQLValue(id), SQLValue(number), SQLValue(run)])
    }
    return number
  }

  /// Adds a completed run that no process of this machine ever owned; its row.
  private func add(_ run: BundleContents.Run, to id: Int, in database: Database) throws -> Int {
    let record = run.record
    try database.run(
      """
      INSERT INTO runs (adapter_id, status, recipe, recipe_digest, base_fingerprint, seed,
        total_steps, program, started, ended, owner_process, owner_start, owner_boot, owner_space,
        seen)
      VALUES (?, 'completed', ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', '', ?)
      """,
      [
        SQLValue(id), .text(record.recipe), SQLValue(record.recipeDigest), SQLValue(record.base),
        SQLValue(bits: record.seed), SQLValue(record.totalSteps), .text(record.program),
        SQLValue(record.started), record.ended.map { SQLValue($0) } ?? .null,
        SQLValue(record.seen),
      ])
    let row = database.lastInserted
    for (role, dataset) in run.datasets {
      try keepUnseen(dataset, in: database)
      try database.run(
        "INSERT INTO run_datasets (run_id, role, digest, rows) VALUES (?, ?, ?, ?)",
        [SQLValue(row), .text(role), SQLValue(dataset.digest), SQLValue(dataset.rows)])
    }
    try insert(run.points, ofRun: row, in: database)
    try insert(run.digests, ofRun: row, in: database)
    return row
  }

  /// Adds those of `evaluations` that the version does not have; how many.
  func add(
    _ evaluations: [EvaluationRecord], of bundle: AdapterBundle, toVersion number: Int,
    of id: Int, in database: Database
  ) throws -> Int {
    var added = 0
    for evaluation in evaluations {
      try keepUnseen(evaluation.data, in: database)
      let answers = try evaluation.answers.map {
        try keepBlob(bundle.blob($0), $0, in: database)
      }
      try database.run(
        """
        INSERT INTO evaluations (version_id, base_fingerprint, dataset_digest, settings,
          settings_digest, metrics, score, score_name, answers_id, program, created, rows)
        SELECT id, base_fingerprint, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM versions v
        WHERE adapter_id = ?1 AND number = ?2 AND NOT EXISTS (SELECT 1 FROM evaluations e
          WHERE e.version_id = v.id AND e.dataset_digest = ?3 AND e.settings_digest = ?5
            AND e.metrics = ?6 AND e.answers_id IS ?9 AND e.created = ?11)
        """,
        [
          SQLValue(id), SQLValue(number), SQLValue(evaluation.dataset),
          .text(evaluation.settings), SQLValue(Digest.of(evaluation.settings)),
          .text(evaluation.metrics), SQLValue(evaluation.score), SQLValue(evaluation.scoreName),
          SQLValue(answers), .text(evaluation.program), SQLValue(evaluation.created),
          SQLValue(evaluation.rows),
        ])
      added += database.changes
      // One that was there already has its answers, or had them dropped.
      if database.changes == 0, let answers { try dropOrphans([answers], in: database) }
    }
    return added
  }

  /// Adds the tags and notes that the adapter does not have; how many.
  func addLabels(
    of contents: BundleContents, to id: Int, _ name: String, numbers: [Int: Int],
    in database: Database
  ) throws -> Int {
    var added = 0
    for tag in contents.tags where try put(tag, on: id, name, in: database) { added += 1 }
    for note in contents.notes {
      // A note on a version that the bundle does not hold has nothing to stand on here.
      let number = note.version.flatMap { numbers[$0] }
      guard note.version == nil || number != nil else { continue }
      try database.run(
        """
        INSERT INTO notes (adapter_id, number, note, at, actor) SELECT ?1, ?2, ?3, ?4, ?5
        WHERE NOT EXISTS (SELECT 1 FROM notes WHERE adapter_id = ?1 AND number IS ?2
          AND note = ?3 AND at = ?4 AND actor = ?5)
        """,
        [SQLValue(id), SQLValue(number), .text(note.text), SQLValue(note.at), .text(note.actor)])
      added += database.changes
    }
    return added
  }

  /// Keeps a dataset as the bundle tells of it, unless it is known: where it was seen here says more.
  private func keepUnseen(_ dataset: DatasetRecord, in database: Database) throws {
    try database.run(
      """
      INSERT INTO datasets (digest, path, rows, seen) VALUES (?, ?, ?, ?)
      ON CONFLICT (digest) DO NOTHING
      """,
      [SQLValue(dataset.digest), .text(dataset.path), SQLValue(dataset.rows), SQLValue(now())])
  }
}
