import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Serving
import Tensors
import Testing
import Toys

/// Aliases that are moved here lead only to what can be served here.
@Suite struct AliasMoveTests {
  /// Every way to move the alias `production` from a@1 to a@2; a rollback leads there.
  private static let moves: [(path: String, body: JSONValue)] = [
    ("/admin/rollback", ["name": "a"]), ("/admin/promote", ["reference": "a@2"]),
    ("/admin/alias", ["reference": "a@2", "alias": "production"]),
  ]

  private func expectRefusal(_ toy: ToyService, because words: String) throws {
    let before = try toy.registry.auditTrail(of: "a")
    // Also when it is known already that it cannot be loaded.
    for (path, body) in Self.moves + Self.moves {
      let reply = try toy.post(path, body)
      #expect(reply.status == 409 && reply.error.code == "not_servable", "\(path): \(reply.text)")
      #expect(
        reply.error.message.contains("a@2") && reply.error.message.contains(words),
        "\(reply.text)")
    }
    #expect(try toy.registry.auditTrail(of: "a") == before, "nothing has moved")
    #expect(try toy.registry.version("a").number == 1)
  }

  private func damage(_ toy: ToyService) throws {
    try toy.registry.write { database in
      try database.run("DROP TRIGGER blob_parts_are_immutable")
      try database.run(
        """
        UPDATE blob_parts SET bytes = zeroblob(length(bytes))
        WHERE blob_id = (SELECT weights_id FROM versions WHERE number = 2)
        """)
    }
  }

  private func published(
    _ change: (inout ServiceOptions, inout HTTPService.Options) -> Void = { _, _ in }
  ) throws -> ToyService {
    let toy = try ToyService(change)
    for seed in 1...2 { try toy.publish(seed, as: "a") }
    for number in [2, 1] { try toy.registry.setAlias("production", to: "a@\(number)") }
    return toy
  }

  @Test(arguments: [false, true])
  func noAliasMovesToADamagedVersion(isFull: Bool) throws {
    let toy = try published()
    try damage(toy)
    let budget = toy.service.loop.adapters.budget
    let memory = isFull ? budget.reserve(budget.capacity - budget.used) : nil
    try expectRefusal(toy, because: "damaged")
    withExtendedLifetime(memory) {}
  }

  @Test func noAliasMovesToAVersionForAnotherBase() throws {
    let toy = try ToyService()
    let other = toy.home.appendingPathComponent("other")
    try ToyBase.write(to: other, seed: 2)
    let workspace = try Workspace(home: toy.home.path, registry: toy.registry.path)
    _ = try workspace.addBase(path: other.path, name: "other")
    let foreign = try workspace.openBase("other", weights: .f32).toyAdapter(2)
    try toy.publish(1, as: "a")
    try toy.registry.publishToy(foreign, as: "a", alias: "production")
    try toy.registry.setAlias("production", to: "a@1")
    try expectRefusal(toy, because: "on base 'other'")
  }

  @Test func noAliasMovesToWhatNeverHasRoom() throws {
    let toy = try published { options, _ in options.memoryBytes = 10_000 }
    try expectRefusal(toy, because: "10000")
  }

  /// What is sound and finds no room now is loaded once there is.
  @Test func aSoundVersionNeedsNoRoomToBeNamed() throws {
    let toy = try published()
    let budget = toy.service.loop.adapters.budget
    let memory = try #require(budget.reserve(budget.capacity - budget.used))
    for (path, body) in Self.moves {
      let reply = try toy.post(path, body)
      #expect(reply.status == 200, "\(path): \(reply.text)")
      #expect(try toy.registry.version("a").number == 2)
      try toy.registry.setAlias("production", to: "a@1")
    }
    withExtendedLifetime(memory) {}
  }

  /// A new version that finds no room is loaded again when there is some, or the registry says something else.
  @Test func aVersionWithoutRoomIsNotTriedAtEveryLook() throws {
    let toy = try ToyService()
    let first = try toy.publish(1, as: "a")
    #expect(try toy.say("a").status == 200)
    let pool = toy.service.loop.adapters
    let used = try #require(pool.pinResident(first.digest))
    var memory = pool.budget.reserve(pool.budget.capacity - pool.budget.used)
    #expect(memory != nil)
    let second = try toy.publish(2, as: "a")
    #expect(eventually { pool.statistics.refusals == 1 })
    usleep(400_000)  // twenty looks
    #expect(pool.statistics.refusals == 1)
    try toy.registry.tag("a", ["new"])
    #expect(eventually { pool.statistics.refusals == 2 })
    memory = nil
    #expect(eventually { pool.residents[second.digest] != nil })
    #expect(try toy.say("a").header("x-adapter-version") == "a@2")
    withExtendedLifetime((used, memory)) {}
  }
}
