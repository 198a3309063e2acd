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
    _ = try keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: facts.adapter, number: number),
        dataset: DatasetRecord(digest: Digest.of("d"), path: "d.jsonl", rows: 5), settings: "{}",
        metrics: "{}", score: Double((index * 7919 + number) % 10_007) / 10_007,
        scoreName: "accuracy",
        program: "t"), answers: nil, in: database)
  }
}

/// The name of the adapter of this number in a crowd.
func crowdName(_ index: Int) -> String {
  "team-\(index % 7)/crowd-" + String(10_000 + index).dropFirst()
}
