import Digests
import Foundation
import Registry
import Testing

@Suite("Keys") struct KeyTests {
  @Test("a secret opens its key, is written in the form told, and lies in no file")
  func secret() throws {
    let scratch = try Scratch()
    let registry = try scratch.open()
    let (record, secret) = try registry.addKey(
      NewKey(
        "acme/web", scopes: ["acme/*", "base", "acme/*"], ratePerMinute: 600, tokensPerDay: 90_000))
    #expect(try /lrk-[0-9a-f]{8}-[A-Za-z0-9_-]{43}/.wholeMatch(in: secret) != nil, "\(secret)")
    #expect(secret.dropFirst(4).prefix(8) == record.id)
    #expect(record.name == "acme/web" && record.scopes == ["acme/*", "base"])
    #expect(!record.isAdmin && record.revoked == nil)
    #expect(record.ratePerMinute == 600 && record.tokensPerDay == 90_000)
    #expect(try registry.authenticate(secret) == record)
    #expect(try scratch.open().authenticate(secret) == record)
    #expect(try registry.keys() == [record])
    let second = try registry.addKey(NewKey("ops", isAdmin: true))
    #expect(second.secret != secret && second.record.isAdmin && second.record.scopes == ["*"])
    for tail in ["", "-wal"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.path + tail))
      #expect(bytes.range(of: Data(secret.utf8.suffix(43))) == nil)
    }
    #expect(!"\(try registry.keyTrail(of: "acme/web"))".contains(secret.suffix(43)))
  }

  @Test("what is not exactly a living key's secret opens nothing")
  func wrongSecrets() throws {
    let registry = try Registry.withBase(try Scratch())
    let (record, secret) = try registry.addKey(NewKey("ops"))
    let other = try registry.addKey(NewKey("other")).secret
    let random = String(secret.suffix(43))
    let wrong: [String] = [
      "", "lrk-", String(secret.dropLast()), secret + "A", " " + secret, secret.uppercased(),
      "lrk-\(record.id)-\(other.suffix(43))", "lrk-00000000-\(random)",
      secret.replacing("lrk-", with: "lrk_"), random, "lrk-' OR 1=1-\(random)",
      "lrk-\(record.id)-\(String(repeating: "é", count: 21))",
      String(repeating: secret, count: 20_000),
    ]
    for text in wrong { #expect(try registry.authenticate(text) == nil, "\(text.prefix(80))") }
    // Every letter of it counts.
    for place in secret.indices {
      var changed = secret
      changed.replaceSubrange(place...place, with: secret[place] == "A" ? "B" : "A")
      #expect(try registry.authenticate(changed) == nil, "\(changed)")
    }
    #expect(try registry.authenticate(secret) == record)
  }

  @Test("a revoked key opens nothing, cannot come back, and leaves its name free")
  func revoking() throws {
    let scratch = try Scratch()
    let registry = try scratch.open()
    let (first, secret) = try registry.addKey(NewKey("ops"))
    let twice = failure { _ = try registry.addKey(NewKey("ops")) }
    #expect(twice?.code == .exists && twice?.message.contains("'ops'") == true)
    // Another process's revocation counts at once.
    #expect(try scratch.open().revokeKey("ops") == (first.id, "ops"))
    #expect(try registry.authenticate(secret) == nil)
    #expect(try registry.keys().map { $0.revoked == nil } == [false])
    let again = failure { try registry.revokeKey("ops") }
    #expect(again?.code == .notFound && again?.message == "key 'ops' is revoked already")
    #expect(failure { try registry.revokeKey(first.id) }?.message.contains("already") == true)

    let next = try registry.addKey(NewKey("ops"))
    #expect(try registry.authenticate(next.secret)?.id == next.record.id)
    #expect(try registry.authenticate(secret) == nil)
    let near = failure { try registry.revokeKey("opps") }
    #expect(near?.message == "no key 'opps'; did you mean 'ops'?")
    #expect(try registry.revokeKey(next.record.id) == (next.record.id, "ops"))
    for sql in [
      "UPDATE api_keys SET revoked = NULL", "UPDATE api_keys SET scopes = '[\"*\"]'",
      "UPDATE api_keys SET is_admin = 1", "UPDATE api_keys SET revoked = 1, is_admin = 1",
    ] {
      #expect(failure { try registry.write { try $0.run(sql) } } != nil, "\(sql)")
    }
  }

  @Test(
    "a scope opens what it says and nothing beside it",
    arguments: [
      ("*", ["base", "a", "acme/a"], []),
      ("acme/*", ["acme/support", "acme/x"], ["acme", "acme2/x", "acm", "base", "other"]),
      ("acme/support", ["acme/support"], ["acme/support2", "support", "acme/suppor", "base"]),
      ("base", ["base"], ["a", "base2", "acme/base"]),
    ])
  func scopes(pattern: String, open: [String], shut: [String]) throws {
    let registry = try Registry.withBase(try Scratch())
    let key = try registry.addKey(NewKey("k", scopes: [pattern])).record
    for name in open { #expect(key.allows(adapter: name), "\(name)") }
    for name in shut { #expect(!key.allows(adapter: name), "\(name)") }
    let two = try registry.addKey(NewKey("two", scopes: ["only", pattern])).record
    #expect(two.allows(adapter: "only") && two.allows(adapter: open[0]))
  }

  @Test(
    "a scope, name or limit that breaks the rules is refused and nothing is added",
    arguments: [
      NewKey("k", scopes: []), NewKey("k", scopes: [""]), NewKey("k", scopes: ["acme*"]),
      NewKey("k", scopes: ["*/x"]), NewKey("k", scopes: ["a/b/*"]), NewKey("k", scopes: ["**"]),
      NewKey("k", scopes: ["/*"]), NewKey("k", scopes: ["a\"]"]), NewKey("k", scopes: ["A"]),
      NewKey("k", scopes: ["a@1"]), NewKey("k", scopes: [String(repeating: "a", count: 10_000)]),
      NewKey("k", scopes: (0...100).map { "a\($0)" }),
      NewKey(""), NewKey("base"), NewKey("a b"), NewKey("a/b/c"), NewKey("x\u{1B}[2J"),
      NewKey(String(repeating: "a", count: 201)), NewKey(String(repeating: "a", count: 5_000_000)),
      NewKey("0123abcd"), NewKey("k", ratePerMinute: 0), NewKey("k", ratePerMinute: -1),
      NewKey("k", tokensPerDay: 0), NewKey("k", tokensPerDay: .max),
    ])
  func refusals(key: NewKey) throws {
    let registry = try Registry.withBase(try Scratch())
    let before = try registry.count("audit")
    let error = failure { _ = try registry.addKey(key) }
    #expect(error?.code == .badArgument)
    #expect((error?.message.utf8.count ?? 0) < 400)
    #expect(try registry.keys().isEmpty && registry.count("audit") == before)
  }

  @Test(
    "a row that somebody has tampered with is an error, not a key",
    arguments: [
      "scopes = ''", "scopes = '[]'", "scopes = '{}'", "scopes = '[\"acme*\"]'",
      "scopes = '[\"*\", \"a\"]'", "scopes = '[1]'", "scopes = hex(zeroblob(60000))",
      "scopes = '[\"*\",\"*\"]'", "is_admin = 7", "is_admin = -1", "rate_per_minute = 0",
      "tokens_per_day = -5", "name = 'A b'", "name = ''", "secret_hash = ''",
      "secret_hash = upper(secret_hash)",
    ])
  func tampered(change: String) throws {
    let scratch = try Scratch()
    let registry = try scratch.open()
    let secret = try registry.addKey(NewKey("ops", scopes: ["acme/*"])).secret
    let sound = try registry.addKey(NewKey("sound"))
    let other = try Database(path: scratch.path, create: false, busyTimeout: 100)
    try other.script("PRAGMA ignore_check_constraints = ON; DROP TRIGGER api_keys_are_immutable")
    try other.run("UPDATE api_keys SET \(change) WHERE name = 'ops'")
    let error = failure { _ = try registry.authenticate(secret) }
    #expect(error?.code == .damaged, "\(String(describing: error))")
    #expect(try registry.authenticate(sound.secret) == sound.record)
  }

  @Test("adding and revoking are in the audit, apart from an adapter called 'key'")
  func trail() throws {
    let registry = try Registry.withBase(try Scratch())
    let (record, _) = try registry.addKey(NewKey("ops", scopes: ["a", "acme/*"], isAdmin: true))
    try registry.publish(draft("key"), alias: "ops")
    try registry.acting(as: "key:root") { _ = try registry.revokeKey("ops") }
    let lines = try registry.keyTrail(of: "ops")
    #expect(lines.map(\.action) == ["key-revoke", "key-add"])
    #expect(lines.map(\.actor) == ["key:root", "tester"])
    #expect(lines.map(\.subject) == ["key:ops", "key:ops"])
    #expect(lines.map(\.detail) == [record.id, "\(record.id) a acme/* (admin)"])
    #expect(try registry.auditTrail(of: "key").map(\.action) == ["alias", "publish"])
    #expect(try registry.keyTrail(of: "ops", limit: 1).count == 1)
    #expect(try registry.keyTrail(of: "nobody").isEmpty)
  }

  @Test("a backup and a restore keep keys, and a registry with keys alone is worth keeping")
  func copies() throws {
    let scratch = try Scratch()
    let file = scratch.folder.appendingPathComponent("copy.sqlite").path
    let secret: String
    do {
      let registry = try scratch.open()
      secret = try registry.addKey(NewKey("ops")).secret
      try registry.backup(to: file)
      try registry.revokeKey("ops")
    }
    #expect(failure { try Registry.restore(file, to: scratch.path) }?.code == .exists)
    #expect(try Registry.restore(file, to: scratch.path, replacing: true) != nil)
    #expect(try scratch.open().authenticate(secret)?.name == "ops")
  }
}
