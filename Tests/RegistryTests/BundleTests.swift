import Digests
import Foundation
import Registry
import Testing

@Suite("Bundles") struct BundleTests {
  /// A registry with all that a bundle carries, and the bundle of all of `acme/support`.
  private func exported(_ scratch: Scratch) throws -> (Registry, String) {
    let registry = try Registry.withBase(scratch)
    let run = try registry.startRun(draftRun("acme/support"))
    try registry.appendPoints([RunPoint(step: 1, loss: 0.1), RunPoint(step: 2)], toRun: run.id)
    try registry.saveCheckpoint(
      ofRun: run.id, step: 2, state: [9], adapter: Digest.of("after 2"))
    try registry.publish(draft("acme/support"), alias: "production", completing: run.id)
    try registry.publish(draft("acme/support", seed: 1))
    try registry.publish(draft("other", seed: 2))
    try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: "acme/support", number: 1),
        dataset: DatasetRecord(digest: Digest.of("eval"), path: "/home/me/eval.jsonl", rows: 3),
        settings: "{}", metrics: "{}", score: 0.5, scoreName: "accuracy", answers: [4, 5],
        program: "tests"))
    try registry.tag("acme/support", ["beta"])
    try registry.addNote("good", to: "acme/support@1")
    let file = scratch.folder.appendingPathComponent("support.bundle").path
    try registry.exportBundle("acme/support", all: true, to: file)
    return (registry, file)
  }

  @Test("everything of a name arrives in another registry, and twice is once")
  func roundTrip() throws {
    let (here, there) = (try Scratch(), try Scratch())
    let (source, file) = try exported(here)
    let target = try Registry.withBase(there)
    var seen: [String] = []
    let done = try target.importBundle(file) { version, weights in
      seen.append("\(version.reference) \(weights.count)")
    }
    #expect(seen == ["acme/support@1 4", "acme/support@2 4"])
    #expect(done.versions.map(\.isNew) == [true, true] && done.evaluations == 1)
    #expect(try done.aliases.map(\.version) == [1] && target.aliases(of: "acme/support").isEmpty)
    let (mine, theirs) = (
      try target.version("acme/support@1"), try source.version("acme/support@1")
    )
    #expect(mine.digest == theirs.digest && mine.created == theirs.created)
    #expect(try target.weights(of: mine) == source.weights(of: theirs))
    let run = try #require(mine.run)
    #expect(try target.points(ofRun: run) == source.points(ofRun: #require(theirs.run)))
    #expect(try target.adapterDigests(ofRun: run) == [2: Digest.of("after 2")])
    #expect(try target.run(run).status == .completed && target.run(run).version == 1)
    #expect(try target.datasets(ofRun: run)["train"]?.rows == 40)
    let evaluation = try #require(
      try target.evaluations(of: .version(adapter: "acme/support", number: 1)).first)
    #expect(evaluation.datasetPath == "eval.jsonl" && evaluation.score == 0.5)
    #expect(try target.blob(#require(evaluation.answers)) == [4, 5])
    #expect(try target.tags(of: "acme/support") == ["beta"])
    #expect(try target.notes(of: "acme/support").map(\.version) == [1])

    let before = try target.count("audit")
    let again = try target.importBundle(file) { _, _ in Issue.record("nothing is new") }
    #expect(again.versions.map(\.isNew) == [false, false] && again.evaluations == 0)
    #expect(try target.count("audit") == before && target.count("runs") == 1)
    #expect(try target.verify().isSound && target.list().map(\.name) == ["acme/support"])
  }

  @Test(
    "a bundle of an earlier schema is taken in, before the third without digests on the way",
    arguments: 1..<Schema.migrations.count)
  func earlier(version: Int) throws {
    let (here, there) = (try Scratch(), try Scratch())
    let (_, file) = try exported(here)
    do {
      let bundle = try Database(path: file, create: false, busyTimeout: 0)
      try bundle.script(
        "ALTER TABLE evaluations DROP COLUMN rows; PRAGMA user_version = \(version)")
      if version < Schema.keysVersion { try bundle.script("DROP TABLE api_keys") }
      if version < Schema.runDigestsVersion { try bundle.script("DROP TABLE run_digests") }
      if version == 1 {
        try bundle.script(
          """
          DROP INDEX versions_by_created; DROP INDEX versions_by_base;
          DROP INDEX versions_by_size; DROP INDEX evaluations_by_score;
          CREATE INDEX versions_by_base ON versions (base_fingerprint);
          CREATE INDEX versions_by_created ON versions (created);
          """)
      }
    }
    let target = try Registry.withBase(there)
    #expect(try target.importBundle(file) { _, _ in }.versions.map(\.isNew) == [true, true])
    let run = try #require(try target.version("acme/support@1").run)
    #expect(try target.points(ofRun: run).map(\.step) == [1, 2])
    #expect(try target.adapterDigests(ofRun: run).isEmpty == (version < Schema.runDigestsVersion))
    let evaluations = try target.evaluations(of: .version(adapter: "acme/support", number: 1))
    #expect(evaluations.map(\.rows) == [3])
  }

  @Test("a bundle has no keys, whatever keys its registry has")
  func noKeys() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    let secret = try registry.addKey(NewKey("ops")).secret
    try registry.publish(draft("a"))
    let file = scratch.folder.appendingPathComponent("a.bundle").path
    try registry.exportBundle("a", to: file)
    let bundle = try Database(path: file, readOnly: true, busyTimeout: 0)
    #expect(try bundle.integer("SELECT count(*) FROM api_keys") == 0)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    #expect(bytes.range(of: Data(Digest.of(secret).hex.utf8)) == nil)
  }

  @Test("a number that is taken changes, and what is about the version follows")
  func numbers() throws {
    let (here, there) = (try Scratch(), try Scratch())
    let (_, file) = try exported(here)
    let target = try Registry.withBase(there)
    try target.publish(draft("mine", seed: 9), alias: "production")
    let done = try target.importBundle(file, name: "mine") { _, _ in }
    #expect(done.versions.map(\.version.number) == [2, 3])
    #expect(done.versions.map(\.bundledNumber) == [1, 2])
    #expect(done.aliases.map(\.version) == [2])
    #expect(try target.version("mine:production").number == 1)
    #expect(try target.notes(of: "mine").map(\.version) == [2])
  }

  @Test("a base that is not registered, or a check that fails, changes nothing")
  func refused() throws {
    let (here, there) = (try Scratch(), try Scratch())
    let (source, file) = try exported(here)
    let empty = try there.open()
    let error = failure { _ = try empty.importBundle(file) { _, _ in } }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("tiny-base") == true)
    #expect(error?.message.contains("lorikeet base add") == true)
    try empty.addBase(tiny)
    let wrong = RegistryError(.damaged, "wrong")
    #expect(failure { _ = try empty.importBundle(file) { _, _ in throw wrong } } == wrong)
    #expect(try empty.list().isEmpty && empty.count("adapters") == 0)
    #expect(failure { try source.exportBundle("acme/support@1", to: file) }?.code == .exists)
    #expect(
      failure { try source.exportBundle("other@1", all: true, to: "x") }?.code == .badArgument)
  }

  @Test(
    "a hostile bundle is one error and nothing changed",
    arguments: [
      "CREATE TRIGGER t AFTER INSERT ON tags BEGIN DELETE FROM notes; END",
      "CREATE VIEW v AS SELECT 1",
      "DROP TABLE notes", "CREATE TABLE extra (x)", "PRAGMA user_version = 99",
      "PRAGMA application_id = 7", "PRAGMA application_id = \(Schema.applicationID)",
      "PRAGMA journal_mode = WAL",
      "UPDATE adapters SET name = '../../etc/passwd'", "UPDATE tags SET tag = '../x'",
      "INSERT INTO adapters (name, created) VALUES ('second', 0)",
      "DELETE FROM blob_parts",
      "INSERT INTO blob_parts (blob_id, part, bytes) SELECT min(id), 1, x'00' FROM blobs",
      "DELETE FROM bases", "UPDATE runs SET status = 'running'", "UPDATE runs SET recipe = '{'",
      "UPDATE runs SET recipe_digest = 'short'", "UPDATE run_points SET loss = 9e999",
      "UPDATE notes SET note = ''", "UPDATE datasets SET path = char(27) || '[2J'",
      """
      INSERT INTO api_keys (id, name, secret_hash, scopes, is_admin, created)
      VALUES ('00000000', 'mine', '\(Digest.of("mine").hex)', '["*"]', 1, 0)
      """,
      "UPDATE run_digests SET step = -1", "DROP TABLE run_digests",
      "PRAGMA ignore_check_constraints = ON; UPDATE run_digests SET digest = 'short'",
      "INSERT INTO blob_parts (blob_id, part, bytes) VALUES (1, 2, zeroblob(70000000))",
    ])
  func hostile(sql: String) throws {
    let (here, there) = (try Scratch(), try Scratch())
    let (_, file) = try exported(here)
    let target = try Registry.withBase(there)
    do {
      let bundle = try Database(path: file, create: false, busyTimeout: 0)
      if sql.contains("zeroblob") {
        // Larger than one value may be: SQLite refuses it on our side already.
        #expect(failure { try bundle.run(sql) } != nil)
        try bundle.run("DELETE FROM blobs WHERE id = (SELECT min(id) FROM blobs)")
      } else {
        try bundle.script(sql)
      }
    }
    let before = try target.count("audit")
    let error = failure { _ = try target.importBundle(file) { _, _ in } }
    #expect(error != nil, "taken in after: \(sql)")
    #expect(error?.message.contains("'\(file)'") == true, "\(error?.message ?? "")")
    #expect(try target.count("versions") == 0 && target.count("adapters") == 0)
    #expect(try target.count("audit") == before)
  }
}
