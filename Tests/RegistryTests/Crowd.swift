import Digests
import Foundation
import Registry

extension Registry {
  /// Publishes `adapters` names with `versions` each, in one transaction: `team-3/crowd-0017`.
  ///
  /// Every second has the tag `common`, the first of them `rare`, two thirds a score; each third is the other base's.
  func crowd(adapters: Int, versions: Int = 1) throws {
    var other = tiny
    other.fingerprint = Digest.of("other")
    other.name = "other-base"
    try addBase(other)
    try write { database in
      for index in 0..<adapters {
        for number in 1...versions {
          try publishOne(index, number, on: index % 3 == 0 ? other : tiny, in: database)
        }
        let tags = (index % 2 == 0 ? ["common"] : []) + (index == 0 ? ["rare"] : [])
        try tag(crowdName(index), checked: tags, in: database)
      }
    }
  }

  private func publishOne(_ index: Int, _ number: Int, on base: NewBase, in database: Database)
    throws
  {
    var facts = draft(crowdName(index), seed: index * 100 + number)
    facts.base = base.fingerprint
    facts.weights = Array(repeating: 7, count: 1 + (index * 7919) % 1009) + facts.weights
    facts.configuration = String(repeating: "c", count: 800)
    _ = try publish(
      facts, weights: Digest.of(facts.weights), alias: number == 1 ? "production" : nil,
      in: database)
    guard index % 3 > 0 else { return }
    try score(facts, Double((index * 7919 + number) % 10_007) / 10_007, in: database)
  }

  /// Keeps an evaluation of `version` as every version of the schema takes it.
  private func score(_ version: NewVersion, _ score: Double, in database: Database) throws {
    let data = Digest.of("d")
    try database.run(
      "INSERT INTO datasets (digest, path, rows, seen) VALUES (?, 'd.jsonl', 5, 0) ON CONFLICT DO NOTHING",
      [SQLValue(data)])
    try database.run(
      """
      INSERT INTO evaluations (version_id, base_fingerprint, dataset_digest, settings,
        settings_digest, metrics, score, score_name, program, created)
      SELECT id, base_fingerprint, ?, '{}', ?, '{}', ?, 'accuracy', 't', 0 FROM versions v
      WHERE v.digest = ?
      """,
      [SQLValue(data), SQLValue(Digest.of("{}")), .real(score), SQLValue(version.digest)])
  }
}

/// The name of the adapter of this number in a crowd.
func crowdName(_ index: Int) -> String {
  "team-\(index % 7)/crowd-" + String(10_000 + index).dropFirst()
}
