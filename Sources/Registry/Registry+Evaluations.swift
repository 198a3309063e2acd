public import Digests
import Foundation

extension Registry {
  /// Keeps an evaluation. An older one of the same subject, data and settings stays; the newest is found.
  @discardableResult
  public func keepEvaluation(_ evaluation: NewEvaluation) throws -> EvaluationRecord {
    let answers = evaluation.answers.map { ($0, Digest.of($0)) }
    return try write { database in
      try keepEvaluation(evaluation, answers: answers, in: database)
    }
  }

  /// Keeps an evaluation as a part of a transaction.
  /// - Parameter answers: Its answers with their digest.
  package func keepEvaluation(
    _ evaluation: NewEvaluation, answers: ([UInt8], Digest)?, in database: Database
  ) throws -> EvaluationRecord {
    let subject = try rows(of: evaluation.subject, in: database)
    try keepDataset(evaluation.dataset, in: database)
    let blob = try answers.map { try keepBlob($0.0, $0.1, in: database) }
    try database.run(
      """
      INSERT INTO evaluations (version_id, base_fingerprint, dataset_digest, settings,
        settings_digest, metrics, score, score_name, answers_id, program, created, rows)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        SQLValue(subject.version), SQLValue(subject.base), SQLValue(evaluation.dataset.digest),
        .text(evaluation.settings), SQLValue(Digest.of(evaluation.settings)),
        .text(evaluation.metrics), SQLValue(evaluation.score), SQLValue(evaluation.scoreName),
        SQLValue(blob), .text(evaluation.program), SQLValue(now()),
        SQLValue(evaluation.dataset.rows),
      ])
    let kept = try database.first(
      EvaluationRecord.select + "WHERE e.id = ?", [SQLValue(database.lastInserted)],
      EvaluationRecord.init)
    guard let kept else {
      throw RegistryError(.damaged, "an evaluation is gone that was just written")
    }
    return kept
  }

  /// The newest evaluation of this subject on this data with exactly these settings, or nil.
  public func evaluation(of subject: NewEvaluation.Subject, dataset: Digest, settings: String)
    throws -> EvaluationRecord?
  {
    try snapshot { database in
      let rows = try rows(of: subject, in: database)
      return try database.first(
        EvaluationRecord.select + """
          WHERE e.version_id IS ? AND +e.base_fingerprint = ? AND e.dataset_digest = ?
            AND e.settings_digest = ? ORDER BY e.id DESC LIMIT 1
          """,
        [
          SQLValue(rows.version), SQLValue(rows.base), SQLValue(dataset),
          SQLValue(Digest.of(settings)),
        ], EvaluationRecord.init)
    }
  }

  /// All evaluations of this subject, newest first.
  public func evaluations(of subject: NewEvaluation.Subject) throws -> [EvaluationRecord] {
    try snapshot { database in
      let rows = try rows(of: subject, in: database)
      // The plus keeps SQLite from looking through all evaluations of the base.
      return try database.all(
        EvaluationRecord.select
          + "WHERE e.version_id IS ? AND +e.base_fingerprint = ? ORDER BY e.id DESC",
        [SQLValue(rows.version), SQLValue(rows.base)], EvaluationRecord.init)
    }
  }

  /// The evaluation whose score stands for each version of the adapter `name` that has one, by number: the newest on all
  /// of the data that its recipe holds out, else the newest on any.
  public func scoredEvaluations(of name: String) throws -> [Int: EvaluationRecord] {
    try snapshot { database in
      let id = try adapter(name, in: database)
      let versions = try database.all(
        "SELECT v.number, \(ListPlan.scoredEvaluation) FROM versions v WHERE v.adapter_id = ?",
        [SQLValue(id)]
      ) { (number: try $0.integer(), evaluation: try $0.optional { try $0.integer() }) }
      var found: [Int: EvaluationRecord] = [:]
      for (number, evaluation) in versions {
        found[number] = try evaluation.flatMap {
          try database.first(
            EvaluationRecord.select + "WHERE e.id = ?", [SQLValue($0)], EvaluationRecord.init)
        }
      }
      return found
    }
  }

  private func rows(of subject: NewEvaluation.Subject, in database: Database) throws
    -> (version: Int?, base: Digest)
  {
    switch subject {
    case .base(let fingerprint):
      return (nil, try base(fingerprint, in: database).fingerprint)
    case .version(let name, let number):
      let version = try version(.adapter(name: name, .version(number)), in: database)
      let id = try database.integer(
        """
        SELECT v.id FROM versions v JOIN adapters a ON a.id = v.adapter_id
        WHERE a.name = ? AND v.number = ?
        """, [.text(name), SQLValue(number)])
      return (id, version.base)
    }
  }
}
