import Adapters
import Digests
import Dispatch
import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Tensors
import Testing
import Toys

/// Aliases that move and versions that come and go, by another process, under a server at work.
@Suite struct HotSwapTests {
  private static let streamed: JSONValue = ["stream": true, "n": 24]

  /// A stream of many long answers that has begun.
  private func begun(_ toy: ToyService, _ model: String) throws -> (TransportClient, StreamedReply)
  {
    let client = try toy.client()
    client.request(
      "POST", "/v1/completions",
      ToyService.question(model, tokens: 400, with: HotSwapTests.streamed))
    return (client, try client.streamHead())
  }

  /// Moves a file over another, as `mv` does.
  private func move(_ from: String, _ to: String) throws {
    try #require(unsafe rename(from, to) == 0)
  }

  private func isReleased(_ toy: ToyService, _ digest: Digest) -> Bool {
    eventually { toy.service.loop.adapters.residents[digest] == nil }
  }

  @Test(arguments: ["a", "a:live"])
  func aMovedAliasIsFollowedAndStreamsFinishOnWhatTheyBegan(model: String) throws {
    let toy = try ToyService()
    let first = try toy.publish(1, as: "a")
    let second = try toy.publish(2, as: "a")
    let alias = model == "a" ? Reference.production : "live"
    try toy.registry.setAlias(alias, to: first.reference)
    let alone = try toy.say("a@1", tokens: 400).answer
    let (client, head) = try begun(toy, model)
    #expect(headerValue("x-adapter-version", in: head.head) == "a@1")

    try toy.registry.setAlias(alias, to: second.reference)
    #expect(try eventually { try toy.say(model).header("x-adapter-version") == "a@2" })
    let reply = try client.streamRest(head)
    #expect(reply.isDone)
    for index in 0..<24 { #expect(reply.text(index) == alone) }
    #expect(try toy.say(model, tokens: 400).answer == toy.say("a@2", tokens: 400).answer)
    #expect(isReleased(toy, first.digest), "nobody uses it and no name leads to it")
    #expect(toy.service.loop.adapters.residents[second.digest] != nil)

    // And back, by the same move.
    try toy.registry.rollback("a", alias: alias)
    #expect(try eventually { try toy.say(model).header("x-adapter-version") == "a@1" })
    #expect(try toy.say(model, tokens: 400).answer == alone)
  }

  @Test func aPublishedVersionIsSeenAtOnce() throws {
    let toy = try ToyService()
    #expect(try toy.say("a").status == 404)
    try toy.publish(1, as: "a")
    #expect(try toy.say("a").header("x-adapter-version") == "a@1")
    try toy.publish(2, as: "a")
    #expect(try eventually { try toy.say("a").header("x-adapter-version") == "a@2" })
    #expect(try toy.say("a@1").status == 200)
  }

  @Test func aDamagedVersionIsRefusedAndTheOneBeforeAnswers() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a", alias: "production")
    try toy.publish(2, as: "a")
    try toy.registry.write { database in
      try database.run("DROP TRIGGER blob_parts_are_immutable")
      try database.run(
        """
        UPDATE blob_parts SET bytes = zeroblob(length(bytes))
        WHERE blob_id = (SELECT weights_id FROM versions WHERE number = 2)
        """)
    }
    let answer = try toy.say("a").answer
    try toy.registry.setAlias("production", to: "a@2")
    for _ in 0..<40 {
      let reply = try toy.say("a")
      #expect(reply.status == 200 && reply.header("x-adapter-version") == "a@1")
      #expect(reply.answer == answer)
      usleep(5_000)
    }
    for _ in 0..<3 {
      let refused = try toy.say("a@2")
      #expect(
        refused.status == 503 && refused.error.code == "adapter_unavailable", "\(refused.text)")
      #expect(refused.error.message.contains("damaged"), "\(refused.text)")
    }
    // Who asks for the move here is told, and nothing moves.
    try toy.registry.setAlias("production", to: "a@1")
    #expect(try toy.post("/admin/promote", ["reference": "a@2"]).status == 409)
    #expect(try toy.registry.version("a").number == 1)
    let third = try toy.publish(3, as: "a", alias: "production")
    #expect(try eventually { try toy.say("a").header("x-adapter-digest") == third.digest.hex })
  }

  @Test func aVersionForAnotherBaseIsRefusedAndTheOneBeforeAnswers() throws {
    let toy = try ToyService()
    let other = toy.home.appendingPathComponent("other")
    try ToyBase.write(to: other, seed: 2)
    let workspace = try Workspace(home: toy.home.path, registry: toy.registry.path)
    let base = try workspace.addBase(path: other.path, name: "other")
    try #require(base.facts.fingerprint != toy.service.base.record.facts.fingerprint)
    let foreign = try workspace.openBase("other", weights: .f32).toyAdapter(2)
    try toy.publish(1, as: "a", alias: "production")
    #expect(try toy.say("a").status == 200)
    try toy.registry.publishToy(foreign, as: "a", alias: "production")
    for _ in 0..<20 {
      #expect(try toy.say("a").header("x-adapter-version") == "a@1")
      usleep(5_000)
    }
    let refused = try toy.say("a@2")
    #expect(refused.status == 400 && refused.error.message.contains("on base 'other'"))
    try toy.registry.publishToy(foreign, as: "b")
    #expect(try toy.say("b").status == 400)
    #expect(try toy.post("/admin/promote", ["reference": "b@1"]).status == 409)
    let listed = try toy.get("/v1/models").json["data"]?.arrayValue?.map { $0["id"]?.stringValue }
    #expect(listed?.contains("b") == false)
  }

  @Test func aReplacedRegistryIsReadFromThenOn() throws {
    let toy = try ToyService()
    let first = try toy.publish(1, as: "a", alias: "production")
    try toy.publish(2, as: "a")
    #expect(try toy.say("a").header("x-adapter-version") == "a@1")
    for round in 0..<4 {
      let copy = toy.home.appendingPathComponent("copy.sqlite").path
      try Registry(path: toy.registry.path).backup(to: copy)
      do {
        let changed = try Registry(path: copy)
        try changed.setAlias("production", to: "a@\(round % 2 == 0 ? 2 : 1)")
      }
      for end in ["-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: toy.registry.path + end)
        try? FileManager.default.removeItem(atPath: copy + end)
      }
      try move(copy, toy.registry.path)
      let (wanted, other) = round % 2 == 0 ? ("a@2", "a@1") : ("a@1", "a@2")
      #expect(try eventually { try toy.say("a").header("x-adapter-version") == wanted })
      let digest = try Registry(path: toy.registry.path).version(other).digest
      #expect(isReleased(toy, digest), "round \(round): \(other)")
    }
    #expect(toy.service.loop.adapters.residents[first.digest] != nil)
    #expect(try toy.post("/admin/promote", ["reference": "a@2"]).status == 200)
    #expect(try Registry(path: toy.registry.path).version("a").number == 2)
  }

  @Test func whileAnotherWritesReadsAnswerAndChangesWait() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    let registry = toy.registry
    let (locked, unlock) = (Happening(), DispatchSemaphore(value: 0))
    let writer = Thread {
      try? registry.write { _ in
        locked.happen()
        unlock.wait()
      }
    }
    writer.start()
    #expect(locked.awaited())
    #expect(try toy.say("a").status == 200)
    // One who waits for the lock holds up nobody else.
    let admin = try toy.client()
    admin.request("POST", "/admin/promote", ["reference": "a@1"])
    usleep(200_000)
    for _ in 0..<3 {
      #expect(try toy.say("a").status == 200)
      #expect(try toy.get("/v1/models").status == 200)
    }
    unlock.signal()
    let reply = try admin.response()
    #expect(reply.status == 200, "\(reply.text)")
    #expect(try toy.registry.aliases(of: "a").map(\.version) == [1])
  }

  @Test func withoutItsRegistryTheServerLives() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    #expect(try toy.say("a").status == 200)
    let (path, aside) = (toy.registry.path, toy.registry.path + ".aside")
    try move(path, aside)
    for _ in 0..<3 {
      for model in ["a", "toy", "a@1"] {
        let reply = try toy.say(model)
        #expect(reply.status == 503 && reply.error.code == "registry_unavailable", "\(reply.text)")
        #expect(reply.header("retry-after") != nil)
      }
      #expect(try toy.get("/v1/models").status == 503)
      #expect(try toy.post("/admin/promote", ["reference": "a@1"]).status == 503)
      #expect(try toy.get("/health").status == 200)
    }
    #expect(!FileManager.default.fileExists(atPath: path), "no new one was made")
    try move(aside, path)
    #expect(try toy.say("a").status == 200)
  }

  @Test func aRemovedAdapterIsGoneAndAnswersUnderWayAreFinished() throws {
    let toy = try ToyService()
    let version = try toy.publish(1, as: "a")
    let alone = try toy.say("a", tokens: 400).answer
    let (client, head) = try begun(toy, "a")
    try toy.registry.removeAdapter("a")
    let refused = try toy.say("a")
    #expect(refused.status == 404 && refused.error.code == "model_not_found")
    #expect(try toy.get("/v1/models").json["data"]?.arrayValue?.count == 1)
    let reply = try client.streamRest(head)
    #expect(reply.isDone)
    for index in 0..<24 { #expect(reply.text(index) == alone) }
    #expect(isReleased(toy, version.digest))
    // The name may come back as something else.
    try toy.publish(2, as: "a")
    #expect(try toy.say("a", tokens: 400).answer != alone)
  }

  @Test func whoLeavesIsNotAnsweredOn() throws {
    let toy = try ToyService()
    let version = try toy.publish(1, as: "a")
    do {
      let (client, _) = try begun(toy, "a")
      _ = try client.chunk()
    }
    let hasEnded = eventually {
      let now = toy.service.loop.statistics
      return now.generatedTokens > 0 && now.running == 0
    }
    let made = toy.service.loop.statistics.generatedTokens
    #expect(hasEnded && made < 24 * 400, "\(made) tokens were made for nobody")
    do {
      let client = try toy.client()
      client.request(
        "POST", "/v1/completions", ToyService.question("a", tokens: 500, with: ["n": 64]))
    }
    #expect(
      eventually { toy.service.loop.statistics.running == 0 && toy.http.connectionCount == 0 })
    #expect(eventually { toy.service.loop.adapters.residents[version.digest] == 0 })
  }
}
