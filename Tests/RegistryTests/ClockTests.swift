import Digests
import Foundation
import Registry
import Synchronization
import Testing

@Suite("A clock that goes backwards") struct ClockTests {
  /// A registry on a clock that this test sets.
  private final class Clock: Sendable {
    let seconds = Mutex(1_700_000_000.0)
    func open(_ scratch: Scratch, owner: ProcessIdentity = .current) throws -> Registry {
      try Registry(path: scratch.path, actor: "tester", owner: owner) { [self] in
        Date(timeIntervalSince1970: seconds.withLock { $0 })
      }
    }
    func back(_ days: Double) { seconds.withLock { $0 -= days * 86_400 } }
  }

  @Test("versions, moves, evaluations and the audit keep the order in which they came")
  func order() throws {
    let (scratch, clock) = (try Scratch(), Clock())
    let registry = try clock.open(scratch)
    try registry.addBase(tiny)
    for seed in 1...3 {
      try registry.publish(draft("a", seed: seed), alias: "production")
      try registry.keepEvaluation(
        NewEvaluation(
          subject: .version(adapter: "a", number: 1),
          dataset: DatasetRecord(digest: Digest.of("d"), path: "d", rows: 1), settings: "{}",
          metrics: "{}", score: Double(seed), program: "t"))
      clock.back(30)
    }
    #expect(try registry.version("a:latest").number == 3)
    #expect(try registry.versions(of: "a").map(\.number) == [3, 2, 1])
    #expect(try registry.aliasHistory(of: "a").map(\.version) == [3, 2, 1])
    #expect(try registry.rollback("a", alias: "production").version == 2)
    let evaluations = try registry.evaluations(of: .version(adapter: "a", number: 1))
    #expect(evaluations.map(\.score) == [3, 2, 1])
    #expect(try registry.auditTrail(of: "a").first?.action == "rollback")
  }

  @Test("the newest run is the one to resume, and its end before its start frees nothing early")
  func runs() throws {
    let (scratch, clock) = (try Scratch(), Clock())
    let registry = try clock.open(scratch)
    try registry.addBase(tiny)
    var last = 0
    for step in 1...2 {
      last = try registry.startRun(draftRun("a")).id
      try registry.saveCheckpoint(ofRun: last, step: step, state: [UInt8(step)])
      clock.back(400)
      try registry.interruptRun(last)
    }
    let digest = draftRun("a").recipeDigest
    #expect(try registry.resumableRun(of: "a", recipe: digest)?.id == last)
    #expect(try registry.runs().map(\.id) == [2, 1])
    // A run that was stopped an hour ago by today's clock is not old, whatever its start says.
    let hourLater = Date(timeIntervalSince1970: clock.seconds.withLock { $0 } - 3_600)
    #expect(try registry.collect(stoppedBefore: hourLater, isDry: true).isEmpty)
    #expect(try registry.resumeRun(last).status == .running)
  }

  @Test("a run in another container whose last sign of life is in the future is not alive for ever")
  func silence() throws {
    let (scratch, clock) = (try Scratch(), Clock())
    var away = ProcessIdentity.current
    away.space = "pid:[1]"
    let there = try clock.open(scratch, owner: away)
    try there.addBase(tiny)
    let run = try there.startRun(draftRun("a")).id
    try there.saveCheckpoint(ofRun: run, step: 1, state: [1])
    #expect(try there.run(run).status == .running)
    clock.back(365)
    #expect(try there.run(run).status == .interrupted)
    // Its owner lives after all: it says so, and nobody takes it for gone.
    try there.appendPoints([RunPoint(step: 2, loss: 1)], toRun: run)
    #expect(try there.run(run).status == .running)
  }

  @Test("two restores of one second keep both registries that gave way")
  func restores() throws {
    let (scratch, backup) = (try Scratch(), try Scratch())
    let file = backup.path + ".backup"
    try Registry.withBase(backup).backup(to: file)
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    var kept: [String] = []
    for name in ["first", "second", "third"] {
      do { try scratch.open().publish(named: name) }
      kept.append(
        try #require(try Registry.restore(file, to: scratch.path, replacing: true, now: now)))
    }
    #expect(Set(kept).count == 3)
    for (path, name) in zip(kept, ["first", "second", "third"]) {
      #expect(try Registry(path: path).list().map(\.name) == [name])
    }
  }
}

extension Registry {
  /// Publishes one version of `name`, on the base `tiny`.
  fileprivate func publish(named name: String) throws {
    try addBase(tiny)
    try publish(draft(name))
  }
}
