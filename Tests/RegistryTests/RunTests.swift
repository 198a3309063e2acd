import Digests
import Foundation
import Registry
import Testing

@Suite("Runs, checkpoints, evaluations")
struct RunTests {
  /// A process that has ended: this one's number with another start.
  private var dead: ProcessIdentity {
    var identity = ProcessIdentity.current
    identity.start -= 1
    return identity
  }

  @Test("a run keeps its recipe, seed and datasets, and its curve by step")
  func curve() throws {
    let registry = try Registry.withBase(try Scratch())
    let run = try registry.startRun(draftRun("a", seed: .max))
    #expect(run.status == .running)
    #expect(run.seed == .max)
    #expect(run.step == 0)
    #expect(try registry.datasets(ofRun: run.id)["train"]?.rows == 40)
    try registry.appendPoints(
      (1...3).map {
        RunPoint(
          step: $0, loss: 3 / Double($0), learningRate: 1e-3, gradientNorm: 2, tokens: 100 * $0,
          seconds: Double($0))
      }, toRun: run.id)
    try registry.appendPoints([RunPoint(step: 3, evalLoss: 0.5)], toRun: run.id)
    try registry.appendPoints([RunPoint(step: 2, loss: .nan)], toRun: run.id)
    let points = try registry.points(ofRun: run.id)
    #expect(points.map(\.step) == [1, 2, 3])
    #expect(points.map(\.loss) == [3, 1.5, 1])
    #expect(points[2].evalLoss == 0.5)
    #expect(points[2].tokens == 300)
    let record = try registry.run(run.id)
    #expect(record.step == 3)
    #expect(record.loss == 1)
    #expect(try registry.runs(of: "a").map(\.id) == [run.id])
    #expect(failure { _ = try registry.run(99) }?.code == .notFound)
  }

  @Test("publishing completes the run and drops its checkpoints")
  func completion() throws {
    let registry = try Registry.withBase(try Scratch())
    let run = try registry.startRun(draftRun("a"))
    try registry.saveCheckpoint(ofRun: run.id, step: 1, state: [1, 2])
    let version = try registry.publish(draft("a"), completing: run.id).version
    #expect(version.run == run.id)
    let record = try registry.run(run.id)
    #expect(record.status == .completed)
    #expect(record.version == 1)
    #expect(record.ended != nil)
    #expect(try registry.count("checkpoints") == 0)
    #expect(try registry.count("blobs") == 1)
    let late = failure { try registry.appendPoints([RunPoint(step: 2, loss: 1)], toRun: run.id) }
    #expect(late?.code == .notOwner)
    #expect(failure { _ = try registry.resumeRun(run.id) }?.code == .notOwner)
    // Another adapter's run is not completed by this one's version, and nothing is published then.
    let other = try registry.startRun(draftRun("b"))
    #expect(
      failure { try registry.publish(draft("a", seed: 3), completing: other.id) }?.code
        == .badArgument)
    #expect(try registry.versions(of: "a").count == 1)
  }

  @Test("only the newest checkpoints are kept, and no orphan stays")
  func checkpoints() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    let run = try registry.startRun(draftRun("a"))
    #expect(try registry.newestCheckpoint(ofRun: run.id) == nil)
    for step in 1...5 {
      try registry.saveCheckpoint(
        ofRun: run.id, step: step, state: [UInt8(step), 7], facts: #"{"at": \#(step)}"#)
    }
    #expect(try registry.checkpoints(ofRun: run.id).map(\.step) == [5, 4])
    #expect(try registry.count("blobs") == 2)
    let newest = try #require(try registry.newestCheckpoint(ofRun: run.id))
    #expect(newest.state == [5, 7])
    #expect(newest.record.facts == #"{"at": 5}"#)
    // A run resumed from step 4 writes step 5 again, here with the very same bytes.
    try registry.saveCheckpoint(ofRun: run.id, step: 5, state: [5, 7])
    try registry.saveCheckpoint(ofRun: run.id, step: 4, state: [9, 9])
    #expect(try registry.checkpoints(ofRun: run.id).map(\.step) == [4])
    #expect(try registry.count("blobs") == 1)
  }

  @Test("the adapter's digests outlive their checkpoints and go with the run")
  func adapterDigests() throws {
    let registry = try Registry.withBase(try Scratch())
    let run = try registry.startRun(draftRun("a")).id
    func save(_ step: Int, _ text: String) throws {
      try registry.saveCheckpoint(
        ofRun: run, step: step, state: [UInt8(step)], adapter: Digest.of(text))
    }
    for step in 1...5 { try save(step, "\(step)") }
    try registry.saveCheckpoint(ofRun: run, step: 6, state: [6])
    var expected = Dictionary(uniqueKeysWithValues: (1...5).map { ($0, Digest.of("\($0)")) })
    #expect(try registry.checkpoints(ofRun: run).map(\.step) == [6, 5])
    #expect(try registry.adapterDigests(ofRun: run) == expected)
    // A run resumed from step 2 writes step 3 again, and nothing later yet.
    try save(3, "anew")
    expected = [1: Digest.of("1"), 2: Digest.of("2"), 3: Digest.of("anew")]
    #expect(try registry.adapterDigests(ofRun: run) == expected)
    // What is not saved is not remembered either.
    #expect(
      failure {
        try registry.saveCheckpoint(
          ofRun: run + 1, step: 1, state: [1], adapter: Digest.of("x"))
      }?.code == .notFound)
    try registry.publish(draft("a"), completing: run)
    #expect(try registry.count("checkpoints") == 0)
    #expect(try registry.adapterDigests(ofRun: run) == expected)
    try registry.removeVersion("a@1")
    #expect(try registry.adapterDigests(ofRun: run) == expected)
    try registry.removeAdapter("a")
    #expect(try registry.count("runs") == 0 && registry.count("run_digests") == 0)
    #expect(try registry.verify().isSound)
  }

  @Test("where the newest checkpoint is damaged the one before is found")
  func damagedCheckpoint() throws {
    let scratch = try Scratch()
    let run: RunRecord
    do {
      let registry = try Registry.withBase(scratch)
      run = try registry.startRun(draftRun("a"))
      for step in [1, 2] {
        try registry.saveCheckpoint(
          ofRun: run.id, step: step, state: [UInt8](repeating: UInt8(0xC0 + step), count: 50_000))
      }
    }
    func damage(_ byte: UInt8) throws {
      var bytes = try scratch.bytes
      let pattern = [UInt8](repeating: byte, count: 64)
      let place = try #require(bytes.indices.first { bytes[$0...].starts(with: pattern) })
      bytes[place] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: scratch.path))
    }
    try damage(0xC2)
    #expect(try scratch.open().newestCheckpoint(ofRun: run.id)?.record.step == 1)
    try damage(0xC1)
    let error = failure { _ = try scratch.open().newestCheckpoint(ofRun: run.id) }
    #expect(error?.code == .damaged)
  }

  @Test("a run whose process is gone is resumed by one process and no other")
  func resuming() throws {
    let scratch = try Scratch()
    let recipe = draftRun("a").recipeDigest
    let id: Int
    do {
      _ = try Registry.withBase(scratch)
      let gone = try scratch.open(owner: dead)
      id = try gone.startRun(draftRun("a")).id
      try gone.saveCheckpoint(ofRun: id, step: 3, state: [3])
    }
    let registry = try scratch.open()
    #expect(try registry.run(id).status == .interrupted)
    #expect(try registry.resumableRun(of: "a", recipe: recipe)?.id == id)
    #expect(try registry.resumableRun(of: "a", recipe: Digest.of("other")) == nil)
    #expect(try registry.resumableRun(of: "b", recipe: recipe) == nil)
    let notOurs = failure { try registry.appendPoints([RunPoint(step: 4, loss: 1)], toRun: id) }
    #expect(notOurs?.code == .notOwner)

    #expect(try registry.resumeRun(id).status == .running)
    #expect(try registry.resumableRun(of: "a", recipe: recipe) == nil)
    let second = failure { _ = try scratch.open().resumeRun(id) }
    #expect(second?.code == .notOwner)
    #expect(
      second?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
    // The old owner, should it wake, writes nothing more.
    let old = try scratch.open(owner: dead)
    #expect(failure { try old.saveCheckpoint(ofRun: id, step: 9, state: [9]) }?.code == .notOwner)
    #expect(try registry.newestCheckpoint(ofRun: id)?.state == [3])

    try registry.interruptRun(id)
    #expect(try registry.resumableRun(of: "a", recipe: recipe)?.id == id)
    _ = try registry.resumeRun(id)
    try registry.publish(draft("a"), completing: id)
    #expect(try registry.resumableRun(of: "a", recipe: recipe) == nil)
  }

  @Test("a failed run tells why, and is resumed only where it has a checkpoint")
  func failing() throws {
    let registry = try Registry.withBase(try Scratch())
    let run = try registry.startRun(draftRun("a"))
    try registry.failRun(run.id, error: "the loss is not a number")
    #expect(try registry.run(run.id).error == "the loss is not a number")
    #expect(try registry.run(run.id).status == .failed)
    let recipe = draftRun("a").recipeDigest
    #expect(try registry.resumableRun(of: "a", recipe: recipe) == nil)
    let second = try registry.startRun(draftRun("a"))
    try registry.saveCheckpoint(ofRun: second.id, step: 1, state: [1])
    try registry.failRun(second.id, error: "disk full")
    #expect(try registry.resumableRun(of: "a", recipe: recipe)?.id == second.id)
    #expect(try registry.resumeRun(second.id).error == nil)
  }

  @Test("runs of dead processes are written down as interrupted, once; living ones are left")
  func marking() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    let gone = try scratch.open(owner: dead).startRun(draftRun("a"))
    var earlierBoot = ProcessIdentity.current
    earlierBoot.boot = "another"
    let before = try scratch.open(owner: earlierBoot).startRun(draftRun("b"))
    let alive = try registry.startRun(draftRun("c"))
    #expect(try registry.markInterruptedRuns() == [gone.id, before.id])
    #expect(try registry.markInterruptedRuns() == [])
    #expect(try registry.run(alive.id).status == .running)
    let stored = try registry.read {
      try $0.all("SELECT status FROM runs ORDER BY id") { try $0.text() }
    }
    #expect(stored == ["interrupted", "interrupted", "running"])
  }

  @Test("the owner in another container counts as gone after ten silent minutes")
  func containers() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    var elsewhere = ProcessIdentity.current
    elsewhere.space = "pid:[1]"
    let run = try scratch.open(owner: elsewhere).startRun(draftRun("a"))
    _ = scratch.tick(by: 500)
    #expect(try registry.run(run.id).status == .running)
    _ = scratch.tick(by: 200)
    #expect(try registry.run(run.id).status == .interrupted)
  }

  @Test("this process is alive, and a process that ended is not")
  func liveness() throws {
    #expect(ProcessIdentity.current.isAlive == true)
    #expect(dead.isAlive == false)
    var never = ProcessIdentity.current
    never.process = 1 << 40
    #expect(never.isAlive == false)
  }

  @Test("an evaluation is found by version, data and settings; the newest wins")
  func evaluations() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a"))
    let data = DatasetRecord(digest: Digest.of("eval"), path: "eval.jsonl", rows: 9)
    func evaluate(_ subject: NewEvaluation.Subject, _ score: Double) throws -> EvaluationRecord {
      try registry.keepEvaluation(
        NewEvaluation(
          subject: subject, dataset: data, settings: #"{"greedy": true}"#,
          metrics: #"{"loss": \#(score)}"#, score: score, scoreName: "loss",
          answers: Array("answers \(score)".utf8), program: "lorikeet 0.1"))
    }
    func find(_ subject: NewEvaluation.Subject, settings: String = #"{"greedy": true}"#) throws
      -> EvaluationRecord?
    {
      try registry.evaluation(of: subject, dataset: data.digest, settings: settings)
    }
    let version = NewEvaluation.Subject.version(adapter: "a", number: 1)
    let base = NewEvaluation.Subject.base(tiny.fingerprint)
    #expect(try find(version) == nil)
    _ = try evaluate(version, 0.5)
    let newer = try evaluate(version, 0.25)
    let bare = try evaluate(base, 2)
    #expect(try find(version) == newer)
    #expect(try find(base) == bare)
    #expect(try find(version, settings: "{}") == nil)
    #expect(try registry.evaluations(of: version).map(\.score) == [0.25, 0.5])
    let answers = try #require(newer.answers)
    #expect(try registry.blob(answers) == Array("answers 0.25".utf8))
    #expect(newer.rows == 9)
    #expect(failure { _ = try find(.version(adapter: "a", number: 2)) }?.code == .notFound)
    // They go with the version, and their answers with them.
    try registry.removeVersion("a@1")
    #expect(try registry.count("evaluations") == 1)
    #expect(try registry.count("blobs") == 1)
    try registry.removeBase("tiny-base")
    #expect(try registry.count("blobs") == 0)
  }
}
