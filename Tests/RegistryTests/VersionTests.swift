import Digests
import Foundation
import Registry
import Testing

@Suite("Bases, versions, weights")
struct VersionTests {
  @Test(
    "a base is found by name and fingerprint, refreshed by adding again, and clashes are refused")
  func bases() throws {
    let registry = try Registry.withBase(try Scratch())
    var moved = tiny
    moved.path = "elsewhere"
    moved.size = 99
    try registry.addBase(moved)
    #expect(try registry.bases().map(\.facts) == [moved])
    #expect(try registry.base(tiny.fingerprint).path == "elsewhere")
    let base = try registry.base(tiny.fingerprint.short)
    #expect(base.name == "tiny-base")
    #expect(base.looksUnchanged(size: 99, modified: tiny.modified + 0.0001))
    #expect(!base.looksUnchanged(size: 99, modified: tiny.modified + 0.01))
    #expect(!base.looksUnchanged(size: 98, modified: tiny.modified))

    var renamed = tiny
    renamed.name = "other-name"
    let again = failure { try registry.addBase(renamed) }
    #expect(again?.code == .exists)
    #expect(again?.message.contains("as 'tiny-base'") == true)
    var other = tiny
    other.fingerprint = Digest.of("other")
    #expect(failure { try registry.addBase(other) }?.code == .exists)
    let missing = failure { _ = try registry.base("tiny-bse") }
    #expect(missing?.code == .notFound)
    #expect(missing?.message == "no base 'tiny-bse'; did you mean 'tiny-base'?")
    let strange = failure { _ = try registry.base("gemma-27b") }
    #expect(strange?.message == "no base 'gemma-27b'; there is 'tiny-base'")
    for index in 1...4 {
      var more = tiny
      more.name = "base-\(index)"
      more.fingerprint = Digest.of("base \(index)")
      try registry.addBase(more)
    }
    #expect(
      failure { _ = try registry.base("gemma-27b") }?.message
        == "no base 'gemma-27b'; there are 'base-1', 'base-2', 'base-3' and 2 more")
  }

  @Test("a base with versions is kept, one without is removed")
  func removingBases() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a"))
    let error = failure { try registry.removeBase("tiny-base") }
    #expect(error?.code == .protected)
    #expect(error?.message.contains("1 version fit") == true)
    try registry.removeVersion("a@1")
    try registry.removeBase("tiny-base")
    #expect(try registry.bases().isEmpty)
  }

  @Test("a version comes back as it was published, and numbers count up")
  func publishing() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    var facts = draft("acme/support", weights: [9, 8, 7])
    facts.parent = Digest.of("parent")
    facts.note = "first"
    let published = try registry.publish(facts, alias: "production")
    #expect(published.isNew)
    let version = try registry.version("acme/support@1")
    #expect(version == published.version)
    #expect(version.digest == facts.digest)
    #expect(version.parent == facts.parent)
    #expect(version.base == tiny.fingerprint)
    #expect(version.baseName == "tiny-base")
    #expect(version.method == "lora")
    #expect(version.rank == 16)
    #expect(version.alpha == 32)
    #expect(version.configuration == facts.configuration)
    #expect(version.promptContract == facts.promptContract)
    #expect(version.weights == Digest.of(facts.weights))
    #expect(version.size == 4)
    #expect(version.note == "first")
    #expect(try registry.weights(of: version) == facts.weights)
    #expect(try registry.publish(draft("acme/support", seed: 2)).version.number == 2)
    #expect(try registry.versions(of: "acme/support").map(\.number) == [2, 1])
    #expect(
      try registry.versions(digest: facts.digest.short).map(\.reference) == ["acme/support@1"])
  }

  @Test("publishing a digest again gives the version that is there, and still sets the alias")
  func idempotence() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a", seed: 1))
    try registry.publish(draft("a", seed: 2))
    let again = try registry.publish(draft("a", seed: 1), alias: "production")
    #expect(!again.isNew)
    #expect(again.version.number == 1)
    #expect(try registry.versions(of: "a").count == 2)
    #expect(try registry.version("a").number == 1)
    // The same content under another name is another version with the same blob.
    #expect(try registry.publish(draft("b", seed: 1)).isNew)
    #expect(try registry.count("blobs") == 2)
  }

  @Test("what cannot be published changes nothing")
  func refusedPublications() throws {
    let registry = try Registry.withBase(try Scratch())
    var orphan = draft("a")
    orphan.base = Digest.of("unknown base")
    #expect(failure { try registry.publish(orphan) }?.code == .notFound)
    #expect(failure { try registry.publish(draft("Bad Name")) }?.code == .badArgument)
    #expect(failure { try registry.publish(draft("a"), alias: "latest") }?.code == .badArgument)
    #expect(failure { try registry.publish(draft("a"), completing: 12) }?.code == .notFound)
    var endless = draft("a")
    endless.alpha = .infinity
    #expect(failure { try registry.publish(endless) }?.code == .badArgument)
    #expect(try registry.count("adapters") == 0)
    #expect(try registry.count("versions") == 0)
    #expect(try registry.count("blobs") == 0)
  }

  @Test(
    "no statement changes a version, a blob, a move of an alias or the audit",
    arguments: [
      "UPDATE versions SET rank = 1", "UPDATE versions SET note = 'x'",
      "UPDATE versions SET id = 9",
      "UPDATE blobs SET size = 1", "UPDATE blob_parts SET bytes = x'00'",
      "UPDATE alias_moves SET number = 9", "UPDATE audit SET actor = 'x'", "DELETE FROM audit",
      "UPDATE OR REPLACE versions SET rank = 2",
    ])
  func immutability(sql: String) throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a"), alias: "production")
    let error = failure { try registry.write { try $0.run(sql) } }
    #expect(error?.code == .database)
    #expect(
      error?.message.contains("immutable") == true || error?.message.contains("is kept") == true)
    #expect(error?.sqliteCode == 1811)  // SQLITE_CONSTRAINT_TRIGGER
  }

  @Test("a bare name is production where set, else the newest; latest is always the newest")
  func resolution() throws {
    let registry = try Registry.withBase(try Scratch())
    for seed in 1...3 { try registry.publish(draft("a", seed: seed)) }
    #expect(try registry.version("a").number == 3)
    try registry.setAlias("production", to: "a@1")
    try registry.setAlias("canary", to: "a@2")
    #expect(try registry.version("a").number == 1)
    #expect(try registry.version("a:production").number == 1)
    #expect(try registry.version("a:canary").number == 2)
    #expect(try registry.version("a:latest").number == 3)
    #expect(try registry.version("a@2").number == 2)
  }

  @Test(
    "what is not there is named, with what is near",
    arguments: [
      ("acme/suport", "no adapter 'acme/suport'; did you mean 'acme/support'?"),
      ("acme/support@9", "adapter 'acme/support' has no version 9; its newest is 1"),
      (
        "acme/support:prodution",
        "adapter 'acme/support' has no alias 'prodution'; did you mean 'production'?"
      ),
      (
        "acme/support:1",
        "adapter 'acme/support' has no alias '1'; a version is written 'acme/support@1'"
      ),
      ("zzzzzzzz", "no adapter 'zzzzzzzz'"),
    ])
  func notFound(reference: String, message: String) throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("acme/support"), alias: "production")
    let error = failure { _ = try registry.version(reference) }
    #expect(error?.code == .notFound)
    #expect(error?.message == message)
  }

  @Test("an adapter of which only a run exists says that it has no version")
  func unfinishedAdapter() throws {
    let registry = try Registry.withBase(try Scratch())
    _ = try registry.startRun(draftRun("new"))
    let error = failure { _ = try registry.version("new") }
    #expect(error?.message.contains("has no version yet") == true)
    #expect(try registry.list().isEmpty)
    #expect(failure { _ = try registry.version("base") }?.code == .badArgument)
  }

  @Test(
    "weights of any size come back byte by byte",
    arguments: [0, 1, Registry.partSize - 1, Registry.partSize, 2 * Registry.partSize + 3])
  func sizes(count: Int) throws {
    let scratch = try Scratch()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11) }
    let facts = draft("a", weights: bytes)
    do { try Registry.withBase(scratch).publish(facts) }
    let registry = try scratch.open()
    #expect(try registry.weights(of: registry.version("a")) == facts.weights)
  }

  @Test("a damaged weight is an error that names the version")
  func damagedBlob() throws {
    let scratch = try Scratch()
    let weights = [UInt8](repeating: 0xAB, count: 100_000)
    do { try Registry.withBase(scratch).publish(draft("a", weights: weights)) }
    var bytes = try scratch.bytes
    let run = [UInt8](repeating: 0xAB, count: 64)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: run) })
    bytes[place + 32] = 0
    try Data(bytes).write(to: URL(fileURLWithPath: scratch.path))
    let registry = try scratch.open()
    let error = failure { _ = try registry.weights(of: registry.version("a")) }
    #expect(error?.code == .damaged)
    #expect(error?.message.contains("a@1") == true)
    #expect(error?.message.contains("restore the registry") == true)
  }

  @Test("a blob whose stored size lies is refused before memory is taken")
  func lyingSize() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a"))
    let digest = Digest.of("no such bytes")
    try registry.write { database in
      try database.run(
        "INSERT INTO blobs (digest, size) VALUES (?, ?)",
        [.text(digest.hex), .integer(.max)])
    }
    #expect(failure { _ = try registry.blob(digest) }?.code == .damaged)
    #expect(failure { _ = try registry.blob(Digest.of("absent")) }?.code == .notFound)
  }

  @Test("a version is removed with what only it names, its number is not used again")
  func removal() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a", seed: 1))
    try registry.publish(draft("a", seed: 2), alias: "production")
    try registry.publish(draft("b", seed: 1))
    let kept = failure { try registry.removeVersion("a@2") }
    #expect(kept?.code == .protected)
    #expect(
      kept?.message == "a@2 is production; move the alias first, or take it away with "
        + "'lorikeet alias a production --remove'")
    try registry.removeVersion("a@1")
    #expect(try registry.count("blobs") == 2)  // b@1 still names those of a@1
    try registry.removeVersion("b@1")
    #expect(try registry.count("blobs") == 1)
    #expect(try registry.count("blob_parts") == 1)
    try registry.removeAlias("a", alias: "production")
    try registry.removeVersion("a@2")
    #expect(try registry.publish(draft("a", seed: 5)).version.number == 3)
  }

  @Test("the list shows the newest version, aliases and score, in pages")
  func listing() throws {
    let registry = try Registry.withBase(try Scratch())
    for name in ["b", "acme/a", "c"] { try registry.publish(draft(name)) }
    try registry.publish(draft("b", seed: 2), alias: "production")
    try registry.setAlias("canary", to: "b@1")
    try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: "b", number: 2),
        dataset: DatasetRecord(digest: Digest.of("d"), path: "d.jsonl", rows: 5), settings: "{}",
        metrics: #"{"accuracy": 0.5}"#, score: 0.5, scoreName: "accuracy", program: "t"))
    let list = try registry.list()
    #expect(list.map(\.name) == ["acme/a", "b", "c"])
    #expect(list[1].newest == 2)
    #expect(list[1].versionCount == 2)
    #expect(list[1].aliases.map(\.alias) == ["canary", "production"])
    #expect(list[1].aliases.map(\.version) == [1, 2])
    #expect(list[1].score == 0.5)
    #expect(list[1].scoreName == "accuracy")
    #expect(list[0].score == nil)
    #expect(list[0].baseName == "tiny-base")
    var page = ListQuery()
    page.after = "acme/a"
    page.limit = 1
    #expect(try registry.list(page).map(\.name) == ["b"])
    var named = ListQuery()
    named.pattern = "acme/*"
    #expect(try registry.list(named).map(\.name) == ["acme/a"])
    for (scopes, names) in [
      (["acme/*"], ["acme/a"]), (["b", "acme/*"], ["acme/a", "b"]), (["*"], ["acme/a", "b", "c"]),
      (["a", "b"], ["b"]), (["base"], []), ([], []),
    ] {
      var scoped = ListQuery()
      scoped.scopes = scopes
      #expect(try registry.list(scoped).map(\.name) == names, "\(scopes)")
      scoped.order = .created
      scoped.pattern = "*a*"
      #expect(try registry.list(scoped).map(\.name) == names.filter { $0.contains("a") })
    }
    var ofBase = ListQuery()
    ofBase.base = Digest.of("other")
    #expect(try registry.list(ofBase).isEmpty)
    #expect(try registry.adapterCount() == 3)
  }
}
