import Digests
import Foundation
import Registry
import Testing

@Suite("Verify, gc, backup and restore") struct UpkeepTests {
  @Test("a flipped byte is named, with what depends on it")
  func verify() throws {
    let scratch = try Scratch()
    let weights = [UInt8](repeating: 0xA7, count: 5_000)
    do {
      let registry = try Registry.withBase(scratch)
      try registry.publish(draft("acme/support", weights: weights), alias: "production")
      try registry.publish(draft("acme/other", seed: 1))
      let report = try registry.verify()
      #expect(report.isSound && report.blobs == 2 && report.bytes == 5_005)
    }
    var bytes = try scratch.bytes
    let run = [UInt8](repeating: 0xA7, count: 64)
    let place = try #require(
      bytes.indices.first { bytes[$0] == 0xA7 && Array(bytes[$0...].prefix(64)) == run })
    bytes[place + 10] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: scratch.path))
    let report = try scratch.open().verify()
    #expect(report.faults.isEmpty && report.damaged.count == 1)
    #expect(report.damaged.first?.dependents == ["acme/support@1 (production)"])
  }

  @Test(
    "a recorded digest that is none is told",
    arguments: ["", "short", String(repeating: "A", count: 64), String(repeating: "a", count: 65)])
  func malformedDigest(text: String) throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    let run = try registry.startRun(draftRun("a")).id
    try registry.saveCheckpoint(ofRun: run, step: 1, state: [1], adapter: Digest.of("after 1"))
    let sql = "UPDATE run_digests SET digest = '\(text)'"
    #expect(failure { try registry.write { try $0.run(sql) } } != nil, "the file takes '\(text)'")
    #expect(try registry.verify().isSound)
    do {
      let careless = try Database(path: scratch.path, create: false, busyTimeout: 100)
      try careless.script("PRAGMA ignore_check_constraints = ON; " + sql)
    }
    let report = try registry.verify()
    #expect(report.damaged.isEmpty && report.faults.count == 1)
    #expect(report.faults.first?.contains("run_digests") == true, "\(report.faults)")
  }

  @Test("gc tells first, then frees checkpoints of old runs, and nothing else")
  func collect() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("kept"))
    let run = try registry.startRun(draftRun("kept"))
    try registry.saveCheckpoint(ofRun: run.id, step: 1, state: [1, 2, 3, 4])
    try registry.interruptRun(run.id)
    try registry.publish(draft("gone", seed: 2))
    try registry.removeVersion("gone@1")

    let early = try registry.collect(
      stoppedBefore: Date(timeIntervalSince1970: 1_600_000_000), isDry: true)
    #expect(early.isEmpty)
    let later = Date(timeIntervalSince1970: 1_900_000_000)
    let told = try registry.collect(stoppedBefore: later, isDry: true)
    #expect(told.checkpoints == 1 && told.blobs == 1 && told.bytes == 4)
    #expect(try registry.count("checkpoints") == 1)
    #expect(try registry.collect(stoppedBefore: later, isDry: false) == told)
    #expect(try registry.collect(stoppedBefore: later, isDry: false).isEmpty)
    #expect(try registry.count("checkpoints") == 0 && registry.count("versions") == 1)
    #expect(try registry.publish(draft("gone", seed: 2)).version.number == 2)
    try registry.compact()
    #expect(try registry.verify().isSound)
  }

  @Test("a backup made while others write is whole, and a restore brings it back")
  func backup() throws {
    let scratch = try Scratch()
    let file = scratch.folder.appendingPathComponent("copy.sqlite").path
    var registry: Registry? = try Registry.withBase(scratch)
    try registry?.publish(draft("a"), alias: "production")
    let other = try scratch.open()
    let writer = Thread {
      for seed in 1...20 { _ = try? other.publish(draft("b", seed: seed)) }
    }
    writer.start()
    try registry?.backup(to: file)
    while !writer.isFinished { usleep(1_000) }
    #expect(failure { try registry?.backup(to: file) }?.code == .exists)
    #expect(
      failure { try registry?.backup(to: scratch.path, replacing: true) }?.code == .badArgument)
    try registry?.backup(to: file, replacing: true)
    #expect(try Registry(path: file).versions(of: "b").count == 20)

    try registry?.publish(draft("late", seed: 99))
    #expect(failure { try Registry.restore(file, to: scratch.path) }?.code == .exists)
    let open = failure { try Registry.restore(file, to: scratch.path, replacing: true) }
    #expect(open?.code == .busy)
    registry = nil
    withExtendedLifetime(other) {}
  }

  @Test("a restore keeps what gives way")
  func restore() throws {
    let scratch = try Scratch()
    let file = scratch.folder.appendingPathComponent("copy.sqlite").path
    do {
      let registry = try Registry.withBase(scratch)
      try registry.publish(draft("a"), alias: "production")
      try registry.backup(to: file)
      try registry.publish(draft("late", seed: 99))
    }
    let kept = try #require(try Registry.restore(file, to: scratch.path, replacing: true))
    #expect(try scratch.open().list().map(\.name) == ["a"])
    #expect(try scratch.open().version("a:production").number == 1)
    #expect(try Registry(path: kept).list().map(\.name) == ["a", "late"])
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)
    #expect(!names.contains { $0.contains(".part-") }, "\(names)")
  }

  @Test("what is no sound backup changes nothing")
  func badBackup() throws {
    let scratch = try Scratch()
    let file = scratch.folder.appendingPathComponent("copy.sqlite")
    do {
      let registry = try Registry.withBase(scratch)
      try registry.publish(draft("a"))
      try registry.backup(to: file.path)
    }
    let before = try scratch.bytes
    let whole = [UInt8](try Data(contentsOf: file))
    for length in [0, 10, 100, 5_000, whole.count / 2, whole.count - 1] {
      try Data(whole.prefix(length)).write(to: file)
      let error = failure { try Registry.restore(file.path, to: scratch.path, replacing: true) }
      // An empty file is an empty registry to SQLite: version 0.
      #expect(error != nil, "\(length) bytes were taken for a backup")
      #expect(try scratch.bytes == before)
    }
    let missing = failure { try Registry.restore("/nowhere.sqlite", to: scratch.path) }
    #expect(missing?.code == .notFound)
  }

  @Test("a full disk is an error, and what was there is there")
  func full() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("a"))
    try registry.read { database in
      _ = try database.integer("PRAGMA max_page_count = \(database.integer("PRAGMA page_count"))")
    }
    let big = draft("b", seed: 1, weights: [UInt8](repeating: 9, count: 1 << 20))
    #expect(failure { try registry.publish(big) }?.code == .full)
    #expect(try registry.list().map(\.name) == ["a"])
    #expect(try registry.verify().isSound)
  }
}

@Suite("Tags, notes, names") struct LabelTests {
  @Test("tags filter the list, and every change is in the audit")
  func tags() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    for (seed, name) in ["a", "b", "c"].enumerated() {
      try registry.publish(draft(name, seed: seed))
    }
    try registry.tag("a", ["beta", "english"])
    try registry.tag("b", ["beta", "beta"])
    var query = ListQuery()
    query.tags = ["beta"]
    #expect(try registry.list(query).map(\.name) == ["a", "b"])
    query.tags = ["beta", "english"]
    #expect(try registry.list(query).first?.tags == ["beta", "english"])
    query.tags = []
    query.since = try registry.version("b").created
    #expect(try registry.list(query).map(\.name) == ["b", "c"])
    query.since = nil
    query.order = .created
    #expect(try registry.list(query).map(\.name) == ["c", "b", "a"])
    #expect(failure { try registry.untag("b", ["english"]) }?.code == .notFound)
    #expect(failure { try registry.tag("b", ["No Tag"]) }?.code == .badArgument)
    try registry.untag("b", ["beta"])
    #expect(try registry.tags(of: "b").isEmpty)
    #expect(
      try registry.auditTrail(of: "b").map(\.action) == ["untag", "tag", "publish"])
  }

  @Test("a rename takes everything along; a removal is protected by aliases and running trainings")
  func names() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("old"), alias: "production")
    try registry.addNote("good", to: "old@1")
    try registry.addNote("ours", to: "old")
    try registry.publish(draft("taken", seed: 5))
    #expect(failure { try registry.rename("old", to: "taken") }?.code == .exists)
    try registry.rename("old", to: "acme/new")
    #expect(try registry.version("acme/new:production").number == 1)
    #expect(try registry.notes(of: "acme/new").map(\.version) == [nil, 1])
    #expect(failure { _ = try registry.version("old") }?.code == .notFound)
    #expect(failure { try registry.addNote("", to: "acme/new") }?.code == .badArgument)

    #expect(failure { try registry.removeAdapter("acme/new") }?.code == .protected)
    try registry.removeAlias("acme/new", alias: "production")
    let run = try registry.startRun(draftRun("acme/new"))
    try registry.saveCheckpoint(ofRun: run.id, step: 1, state: [7])
    #expect(failure { try registry.removeAdapter("acme/new") }?.code == .protected)
    try registry.publish(draft("acme/new", seed: 8), completing: run.id)
    #expect(try registry.removeAdapter("acme/new") == 2)
    #expect(try registry.list().map(\.name) == ["taken"])
    #expect(try registry.count("runs") == 0 && registry.count("blobs") == 1)
    #expect(try registry.verify().isSound)
    #expect(try registry.auditTrail(of: "acme/new").first?.action == "remove")
  }
}
