public import Digests
public import Foundation

/// What a caller knows of an evaluation that it keeps.
public struct NewEvaluation: Sendable, Hashable {
  /// What was evaluated.
  public enum Subject: Sendable, Hashable {
    /// The version of this name and number.
    case version(adapter: String, number: Int)
    /// The base of this fingerprint, without an adapter.
    case base(Digest)
  }

  /// What was evaluated.
  public var subject: Subject
  /// The data, with as many rows as were measured.
  public var dataset: DatasetRecord
  /// Everything else that decides the result, canonical JSON.
  public var settings: String
  /// The results, JSON.
  public var metrics: String
  /// The one number that lists show, and what it is called.
  public var score: Double?
  /// The name of the score (`accuracy`, ...).
  public var scoreName: String?
  /// The answers to each example, in the caller's format.
  public var answers: [UInt8]?
  /// Who evaluated: name and version.
  public var program: String

  /// An evaluation with these facts.
  public init(
    subject: Subject, dataset: DatasetRecord, settings: String, metrics: String,
    score: Double? = nil, scoreName: String? = nil, answers: [UInt8]? = nil, program: String
  ) {
    self.subject = subject
    self.dataset = dataset
    self.settings = settings
    self.metrics = metrics
    self.score = score
    self.scoreName = scoreName
    self.answers = answers
    self.program = program
  }
}

/// A kept evaluation.
public struct EvaluationRecord: Sendable, Hashable {
  /// Its number; a larger one is newer.
  public let id: Int
  /// The digest of the data.
  public let dataset: Digest
  /// Where the data was last seen.
  public let datasetPath: String
  /// How many of its rows were measured.
  public let rows: Int
  /// Everything else that decided the result, JSON.
  public let settings: String
  /// The results, JSON.
  public let metrics: String
  /// The one number that lists show.
  public let score: Double?
  /// What the score is called.
  public let scoreName: String?
  /// The digest of the answers; ``Registry/blob(_:)`` gives them.
  public let answers: Digest?
  /// Who evaluated: name and version.
  public let program: String
  /// When.
  public let created: Date

  /// The data, with as many rows as were measured.
  public var data: DatasetRecord {
    DatasetRecord(digest: dataset, path: datasetPath, rows: rows)
  }

  static let select = select(rows: "coalesce(e.rows, d.rows)")

  /// Of a file from before `Schema.evaluationRowsVersion`.
  static let selectFromEarlier = select(rows: "d.rows")

  private static func select(rows: String) -> String {
    """
    SELECT e.id, e.dataset_digest, d.path, \(rows), e.settings, e.metrics, e.score, e.score_name,
      w.digest, e.program, e.created
    FROM evaluations e
    JOIN datasets d ON d.digest = e.dataset_digest
    LEFT JOIN blobs w ON w.id = e.answers_id

    """
  }

  init(_ row: inout Row) throws {
    id = try row.integer()
    dataset = try row.digest()
    datasetPath = try row.text()
    rows = try row.integer()
    settings = try row.text()
    metrics = try row.text()
    score = try row.optional { try $0.real() }
    scoreName = try row.optional { try $0.text() }
    answers = try row.optional { try $0.digest() }
    program = try row.text()
    created = try row.date()
  }
}
