import Digests
import Registry
import Testing

@Suite("Evaluations and the score that stands for a version") struct ScoreTests {
  private static let own = DatasetRecord(digest: Digest.of("own"), path: "own.jsonl", rows: 9)
  private static let other = DatasetRecord(
    digest: Digest.of("other"), path: "x/other.jsonl", rows: 4)

  /// A registry with `a@1`, trained by a run that holds `own` out.
  private func trained(_ scratch: Scratch) throws -> Registry {
    let registry = try Registry.withBase(scratch)
    var draftedRun = draftRun("a")
    draftedRun.datasets["eval"] = Self.own
    let run = try registry.startRun(draftedRun)
    try registry.publish(draft("a"), completing: run.id)
    return registry
  }

  private func measure(
    _ registry: Registry, _ name: String, _ score: Double, on data: DatasetRecord,
    rows: Int? = nil
  ) throws {
    var data = data
    data.rows = rows ?? data.rows
    try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: name, number: 1), dataset: data,
        settings: #"{"limit": \#(data.rows)}"#, metrics: "{}", score: score, scoreName: "accuracy",
        program: "t"))
  }

  @Test("each evaluation tells the rows that it measured, whoever read the file before")
  func rows() throws {
    let registry = try trained(Scratch())
    for rows in [3, 9, 5] { try measure(registry, "a", 0.5, on: Self.own, rows: rows) }
    let kept = try registry.evaluations(of: .version(adapter: "a", number: 1))
    #expect(kept.map(\.rows) == [5, 9, 3])
    #expect(kept.map(\.data.path) == ["own.jsonl", "own.jsonl", "own.jsonl"])
  }

  @Test("an evaluation from before rows were kept tells those of its data")
  func earlier() throws {
    let registry = try trained(Scratch())
    try measure(registry, "a", 0.5, on: Self.own)
    try registry.write { try $0.run("UPDATE evaluations SET rows = NULL") }
    #expect(try registry.evaluations(of: .version(adapter: "a", number: 1)).map(\.rows) == [9])
    #expect(try registry.list().map(\.score) == [0.5])
  }

  @Test("neither other data nor a part of the recipe's own overwrites the score")
  func ownData() throws {
    let registry = try trained(Scratch())
    try measure(registry, "a", 0.3, on: Self.other)
    #expect(try registry.list().map(\.scoreData) == [Self.other])
    try measure(registry, "a", 0.6, on: Self.own)
    try measure(registry, "a", 0.9, on: Self.other)
    try measure(registry, "a", 1.0, on: Self.own, rows: 2)
    #expect(try registry.list().map(\.score) == [0.6])
    #expect(try registry.list().map(\.scoreData) == [Self.own])
    try measure(registry, "a", 0.7, on: Self.own)
    #expect(try registry.list().map(\.score) == [0.7])
    let scored = try registry.scoredEvaluations(of: "a")
    #expect(scored.keys.sorted() == [1] && scored[1]?.score == 0.7 && scored[1]?.data == Self.own)
  }

  @Test("a list by score goes by the score that it shows")
  func order() throws {
    let registry = try trained(Scratch())
    for (seed, name) in ["b", "c", "d"].enumerated() {
      try registry.publish(draft(name, seed: 1 + seed))
    }
    try measure(registry, "a", 0.2, on: Self.own)
    try measure(registry, "a", 1.0, on: Self.other)
    try measure(registry, "b", 0.4, on: Self.other)
    try measure(registry, "c", 0.9, on: Self.other)
    try measure(registry, "c", 0.1, on: Self.other)
    var query = ListQuery()
    query.order = .score
    #expect(try registry.list(query).map(\.name) == ["b", "a", "c", "d"])
    #expect(try registry.list(query).map(\.score) == [0.4, 0.2, 0.1, nil])
  }
}
