import Digests
import Dispatch
import Foundation
import Registry
import Synchronization
import Testing

@Suite("Opening a registry file")
struct OpeningTests {
  @Test("an absent file becomes a registry and what was written is there after reopening")
  func reopening() throws {
    let scratch = try Scratch()
    do {
      let registry = try Registry.withBase(scratch)
      try registry.publish(draft("acme/support"), alias: "production")
    }
    let registry = try scratch.open()
    #expect(try registry.version("acme/support").reference == "acme/support@1")
    #expect(try registry.base("tiny-base").facts == tiny)
    let facts = try registry.read { database in
      (
        try database.integer("PRAGMA application_id"), try database.integer("PRAGMA user_version"),
        try database.first("PRAGMA journal_mode") { try $0.text() },
        try database.integer("PRAGMA synchronous"), try database.integer("PRAGMA foreign_keys")
      )
    }
    #expect(facts == (0x4C52_4B54, Schema.migrations.count, "wal", 2, 1))
  }

  @Test("an empty file becomes a registry; an absent one does not where creating is not asked for")
  func creation() throws {
    let scratch = try Scratch()
    let absent = failure { _ = try Registry(path: scratch.path, create: false) }
    #expect(absent?.code == .cannotOpen)
    #expect(absent?.message.contains(scratch.path) == true)
    try Data().write(to: URL(fileURLWithPath: scratch.path))
    let empty = failure { _ = try Registry(path: scratch.path, create: false) }
    #expect(empty?.code == .cannotOpen && empty?.message.contains("is empty") == true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path)).isEmpty)
    _ = try scratch.open()
    #expect(try scratch.open().bases().isEmpty)
  }

  @Test("a folder, a path without folder and an empty path are refused")
  func impossiblePaths() throws {
    let scratch = try Scratch()
    #expect(failure { _ = try Registry(path: scratch.folder.path) }?.code == .cannotOpen)
    #expect(
      failure { _ = try Registry(path: scratch.folder.path + "/no/such/file") }?.code == .cannotOpen
    )
    #expect(failure { _ = try Registry(path: "") }?.code == .badArgument)
  }

  @Test("a file that is not SQLite is refused and left as it was")
  func notSQLite() throws {
    let scratch = try Scratch()
    let text = Data(String(repeating: "name,age\nlory,3\n", count: 100).utf8)
    try text.write(to: URL(fileURLWithPath: scratch.path))
    let error = failure { _ = try scratch.open() }
    #expect(error?.code == .foreignFile)
    #expect(error?.message.contains("is not a Lorikeet registry") == true)
    #expect(error?.message.contains(scratch.path) == true)
    #expect(try scratch.bytes == Array(text))
  }

  @Test(
    "another program's SQLite file is refused and left as it was",
    arguments: ["PRAGMA application_id = 77", "CREATE TABLE t (x)", "PRAGMA user_version = 3"])
  func anotherProgram(mark: String) throws {
    let scratch = try Scratch()
    do {
      let other = try Database(path: scratch.path, busyTimeout: 0)
      try other.script(mark)
    }
    let before = try scratch.bytes
    let error = failure { _ = try scratch.open() }
    #expect(error?.code == .foreignFile)
    #expect(error?.message.contains("another program's SQLite file") == true)
    #expect(try scratch.bytes == before)
  }

  @Test("a newer schema is refused with both versions and left as it was")
  func newerSchema() throws {
    let scratch = try Scratch()
    do {
      let registry = try scratch.open()
      try registry.read { try $0.script("PRAGMA user_version = 99") }
    }
    let before = try scratch.bytes
    let error = failure { _ = try scratch.open() }
    #expect(error?.code == .newerSchema)
    #expect(error?.message.contains("schema version 99") == true)
    #expect(error?.message.contains("knows up to \(Schema.migrations.count)") == true)
    #expect(try scratch.bytes == before)
  }

  @Test("a later migration runs once, keeps the data, and is undone whole when it fails")
  func migration() throws {
    let scratch = try Scratch()
    do { _ = try Registry.withBase(scratch) }
    func open(_ step: @escaping @Sendable (Database) throws -> Void) throws -> Registry {
      try Registry(
        path: scratch.path, create: true, actor: "t", busyTimeout: 100, owner: .current,
        now: { Date() }, migrations: Schema.migrations + [step])
    }
    let failed = failure {
      _ = try open { try $0.script("CREATE TABLE half (x); CREATE TABLE bases (x)") }
    }
    #expect(failed?.code == .database)
    #expect(
      try scratch.open().read {
        try $0.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'half'")
      } == 0)
    for _ in 0..<2 {
      let registry = try open { try $0.script("CREATE TABLE extra (x INTEGER) STRICT") }
      #expect(try registry.count("extra") == 0)
      #expect(try registry.bases().count == 1)
    }
    #expect(failure { _ = try scratch.open() }?.code == .newerSchema)
  }

  @Test(
    "a file of an earlier version becomes one of today's, with all that it holds and the same schema",
    arguments: 1..<Schema.migrations.count)
  func fromEarlier(version: Int) throws {
    let scratch = try Scratch()
    do {
      let old = try Registry(
        path: scratch.path, create: true, actor: "t", busyTimeout: 100, owner: .current,
        now: { scratch.tick() }, migrations: Array(Schema.migrations.prefix(version)))
      try old.addBase(tiny)
      try old.crowd(adapters: 12, versions: 2)
      try old.runs(of: 2)
      #expect(try old.read { try $0.integer("PRAGMA user_version") } == version)
    }
    let today = try scratch.open()
    #expect(try today.read { try $0.integer("PRAGMA user_version") } == Schema.migrations.count)
    let fresh = try Registry.withBase(try Scratch())
    #expect(try today.schema() == fresh.schema())
    try fresh.crowd(adapters: 12, versions: 2)
    try fresh.runs(of: 2)
    for order in ListQuery.Order.allCases {
      var query = ListQuery()
      query.order = order
      #expect(try today.list(query).map(\.digest) == fresh.list(query).map(\.digest), "\(order)")
    }
    for name in try fresh.list().map(\.name) {
      #expect(try today.weights(of: today.version(name)) == fresh.weights(of: fresh.version(name)))
    }
    for table in [
      "versions", "alias_moves", "tags", "evaluations", "audit", "blobs", "runs", "run_points",
      "run_datasets", "checkpoints",
    ] {
      #expect(try today.count(table) == fresh.count(table), "\(table)")
    }
    // A run that was stopped before the schema had digests is resumed with some.
    #expect(try today.points(ofRun: 1) == fresh.points(ofRun: 1))
    #expect(try today.newestCheckpoint(ofRun: 2)?.state == [2])
    #expect(try today.adapterDigests(ofRun: 1).isEmpty)
    _ = try today.resumeRun(2)
    try today.saveCheckpoint(ofRun: 2, step: 2, state: [3], adapter: Digest.of("after 2"))
    #expect(try today.adapterDigests(ofRun: 2) == [2: Digest.of("after 2")])
    #expect(try today.verify().isSound)
  }

  @Test("openers of one empty file at the same moment agree", arguments: 0..<10)
  func openingRace(round: Int) throws {
    let scratch = try Scratch()
    let errors = Mutex<[String]>([])
    let gate = NSCondition()
    let ready = Mutex(false)
    let done = DispatchGroup()
    for number in 0..<8 {
      done.enter()
      Thread {
        gate.lock()
        while !ready.withLock({ $0 }) { gate.wait() }
        gate.unlock()
        do {
          _ = try scratch.open().startRun(draftRun("racer-\(number)"))
        } catch {
          errors.withLock { $0.append("\(error)") }
        }
        done.leave()
      }.start()
    }
    gate.lock()
    ready.withLock { $0 = true }
    gate.broadcast()
    gate.unlock()
    done.wait()
    #expect(errors.withLock { $0 } == [])
    #expect(try scratch.open().runs().count == 8)
  }

  @Test("every byte of the header and the schema may be flipped: an error or a registry, no crash")
  func flippedBytes() throws {
    let scratch = try Scratch()
    do { try Registry.withBase(scratch).publish(draft("a"), alias: "production") }
    let whole = try scratch.bytes
    var refused = 0
    for position in Array(0..<100) + Array(stride(from: 100, to: whole.count, by: 6007)) {
      var bytes = whole
      bytes[position] ^= 0xff
      try Data(bytes).write(to: URL(fileURLWithPath: scratch.path))
      let error = failure {
        let registry = try scratch.open(busyTimeout: 10)
        _ = try registry.list()
        _ = try registry.weights(of: registry.version("a"))
      }
      if error != nil { refused += 1 }
      for tail in ["-wal", "-shm", "-journal"] {
        try? FileManager.default.removeItem(atPath: scratch.path + tail)
      }
    }
    #expect(refused > 20)
  }
}

extension Registry {
  /// A completed run and a stopped one with a checkpoint, as a registry of any version holds them.
  fileprivate func runs(of seed: Int) throws {
    let done = try startRun(draftRun("trained")).id
    try appendPoints([RunPoint(step: 1, loss: 0.5), RunPoint(step: 2, loss: 0.25)], toRun: done)
    try publish(draft("trained", seed: seed), completing: done)
    let stopped = try startRun(draftRun("trained", seed: 8)).id
    try write { database in
      try database.script(
        """
        INSERT INTO blobs (id, digest, size) VALUES (1000, '\(Digest.of([2]).hex)', 1);
        INSERT INTO blob_parts (blob_id, part, bytes) VALUES (1000, 0, x'02');
        INSERT INTO checkpoints (run_id, step, state_id, facts, created)
          VALUES (\(stopped), 1, 1000, '{}', 0);
        """)
    }
    try interruptRun(stopped)
  }

  /// The statements that make tables, indexes and triggers, sorted.
  fileprivate func schema() throws -> [String] {
    try read { database in
      try database.all("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql") {
        try $0.text()
      }
    }
  }
}
