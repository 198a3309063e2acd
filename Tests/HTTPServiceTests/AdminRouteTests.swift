import HTTPService
import JSON
import Lorikeet
import Registry
import Testing
import Toys

/// The routes of administration.
@Suite struct AdminRouteTests {
  @Test func anAliasIsMovedAndMovedBack() throws {
    let toy = try ToyService()
    for seed in 1...2 { try toy.publish(seed, as: "a") }
    let set = try toy.post("/admin/alias", ["reference": "a@1", "alias": "beta"])
    #expect(set.status == 200 && set.json["alias"] == "beta", "\(set.text)")
    #expect(set.json["version"]?["reference"] == "a@1")
    #expect(try toy.say("a:beta").header("x-adapter-version") == "a@1")

    #expect(try toy.post("/admin/promote", ["reference": "a@1"]).json["alias"] == "production")
    #expect(try toy.say("a").header("x-adapter-version") == "a@1")
    #expect(try toy.post("/admin/promote", ["reference": "a@2"]).status == 200)
    #expect(try toy.say("a").header("x-adapter-version") == "a@2")
    let back = try toy.post("/admin/rollback", ["name": "a"])
    #expect(back.json["version"]?["reference"] == "a@1")
    #expect(try toy.say("a").header("x-adapter-version") == "a@1")
    let refused = try toy.post("/admin/rollback", ["name": "a"])
    #expect(refused.status == 409 && refused.error.code == "conflict")

    let gone = try toy.post("/admin/unalias", ["name": "a", "alias": "production"])
    #expect(gone.status == 200 && gone.json["removed"] == true)
    // The one before answers until the newest is in memory.
    #expect(try eventually { try toy.say("a").header("x-adapter-version") == "a@2" })
    #expect(try toy.post("/admin/unalias", ["name": "a", "alias": "production"]).status == 404)
  }

  @Test func versionsAreRemoved() throws {
    let toy = try ToyService()
    for seed in 1...2 { try toy.publish(seed, as: "a") }
    #expect(try toy.post("/admin/remove", ["reference": "a@1"]).json["removed"] == "a@1")
    #expect(try toy.say("a@1").status == 404)
    try toy.registry.setAlias("production", to: "a@2")
    #expect(try toy.post("/admin/remove", ["reference": "a@2"]).status == 409)
  }

  @Test func whatIsNotThereIsNotFound() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    let bodies: [(String, JSONValue)] = [
      ("alias", ["reference": "b", "alias": "x"]), ("promote", ["reference": "a@9"]),
      ("rollback", ["name": "b"]), ("rollback", ["name": "a"]), ("remove", ["reference": "b@1"]),
    ]
    for (route, body) in bodies {
      let reply = try toy.post("/admin/\(route)", body)
      #expect(reply.status == 404 && reply.error.code == "not_found", "\(route): \(reply.text)")
    }
    for (route, body): (String, JSONValue) in [
      ("alias", ["reference": "a"]), ("alias", ["reference": "a", "alias": "latest"]),
      ("alias", ["reference": 1, "alias": "x"]), ("promote", ["reference": "A"]),
      ("promote", ["reference": "a", "alias": "x y"]), ("remove", ["reference": nil]),
      ("promote", ["reference": "base"]), ("rollback", [:]), ("rollback", ["name": "a@1"]),
      ("unalias", ["name": "a:x", "alias": "x"]),
    ] {
      let reply = try toy.post("/admin/\(route)", body)
      #expect(reply.status == 400, "\(route): \(reply.text)")
    }
    for name in ["b", "a@1", "B"] {
      #expect(try toy.get("/admin/adapters/\(name)").status == 404, "\(name)")
    }
    // What was removed has a history; what never was has an empty one.
    #expect(try toy.get("/admin/history/b").json == [])
    #expect(try toy.get("/admin/history/B").status == 400)
  }

  @Test func adaptersAreListedPageByPage() throws {
    let toy = try ToyService()
    for number in 0..<5 { try toy.publish(number + 1, as: "ns\(number % 2)/a\(number)") }
    var (names, after) = ([String](), "")
    repeat {
      let page = try toy.get("/admin/adapters?limit=2" + (after.isEmpty ? "" : "&after=\(after)"))
      names += (page.json["adapters"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
      after = page.json["after"]?.stringValue ?? ""
    } while !after.isEmpty && names.count < 10
    #expect(names == ["ns0/a0", "ns0/a2", "ns0/a4", "ns1/a1", "ns1/a3"])
    let some = try toy.get("/admin/adapters?pattern=ns1%2F*")
    #expect(some.json["adapters"]?.arrayValue?.count == 2)
    for limit in ["0", "x", "10001", "-1", ""] {
      #expect(try toy.get("/admin/adapters?limit=\(limit)").status == 400, "\(limit)")
    }
  }

  @Test func anAdapterIsShownWithItsUse() throws {
    let toy = try ToyService()
    for seed in 1...2 { try toy.publish(seed, as: "acme/a") }
    try toy.registry.setAlias("beta", to: "acme/a@2")
    try toy.registry.tag("acme/a", ["x"])
    #expect(try toy.say("acme/a@2").status == 200)
    // The answer is told before its adapter is let go.
    #expect(eventually { toy.service.loop.adapters.residents.values.allSatisfy { $0 == 0 } })
    let shown = try toy.get("/admin/adapters/acme/a").json
    #expect(shown["name"] == "acme/a" && shown["aliases"] == ["beta": 2] && shown["tags"] == ["x"])
    let versions = try #require(shown["versions"]?.arrayValue)
    #expect(versions.map { $0["version"]?.intValue } == [2, 1])
    #expect(versions.map { $0["resident"]?.boolValue } == [true, false])
    #expect(versions.map { $0["inFlight"]?.intValue } == [0, 0])
    #expect(versions[0]["rank"] == 4 && versions[0]["base"] == "toy")
  }

  /// The members that the command's `--json` has, in its order.
  @Test func recordsAreWrittenAsTheCommandWritesThem() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a", alias: "production")
    let listed = try toy.get("/admin/adapters").json["adapters"]?.arrayValue?.first?.objectValue
    #expect(
      listed?.keys == [
        "name", "versions", "newest", "digest", "aliases", "base", "method", "rank", "size",
        "score", "scoreName", "scoreData", "created", "tags",
      ])
    let version = [
      "name", "version", "reference", "digest", "parent", "base", "baseFingerprint", "method",
      "rank", "alpha", "size", "weights", "run", "created", "note",
    ]
    let moved = try toy.post("/admin/promote", ["reference": "a@1"]).json["version"]
    #expect(moved?.objectValue?.keys == version)
    let shown = try toy.get("/admin/adapters/a").json["versions"]?.arrayValue?.first?.objectValue
    #expect(shown?.keys == version + ["resident", "inFlight"])
    let line = try toy.get("/admin/history/a").json.arrayValue?.first?.objectValue
    #expect(line?.keys == ["at", "actor", "action", "subject", "detail"])
  }

  @Test func theHistoryTellsWhoDidWhat() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    #expect(try toy.post("/admin/promote", ["reference": "a@1"]).status == 200)
    let lines = try #require(try toy.get("/admin/history/a").json.arrayValue)
    #expect(lines.count == 2)
    #expect(lines[0]["actor"] == "http" && lines[0]["subject"] == "a:production")
    #expect(lines[1]["actor"] == "other" && lines[1]["action"] == "publish")
    #expect(try toy.get("/admin/history/a?limit=1").json.arrayValue?.count == 1)
  }
}
