import Foundation
import Registry
import Testing

@Suite("Aliases and rollback")
struct AliasTests {
  private func registry(versions: Int) throws -> Registry {
    let registry = try Registry.withBase(try Scratch())
    for seed in 1...versions { try registry.publish(draft("a", seed: seed)) }
    return registry
  }

  @Test(
    "a word a move: a number sets, r rolls back, x must fail",
    arguments: [
      ("1 2 3 r=2 r=1 x", "straight back, then nothing"),
      ("1 x", "nothing before the first"),
      ("1 1 1 x", "setting it where it is changes nothing"),
      ("1 2 1 r=2 r=1 x", "the same version twice is two moves"),
      ("1 2 3 r=2 4 r=2 r=1 x", "what was rolled away does not come back"),
      ("1 2 r=1 2 r=1 x", "set again after a rollback"),
      ("1 2 3 r=2 r=1 3 r=1 x", "set after two rollbacks"),
    ])
  func moves(script: String, why: String) throws {
    let registry = try registry(versions: 4)
    for word in script.split(separator: " ") {
      if let number = Int(word) {
        try registry.setAlias("production", to: "a@\(number)")
        #expect(try registry.version("a").number == number)
      } else if word == "x" {
        let before = try registry.version("a").number
        let error = failure { try registry.rollback("a", alias: "production") }
        #expect(error?.code == .noHistory, "\(why)")
        #expect(try registry.version("a").number == before)
      } else {
        let number = Int(word.dropFirst(2))
        #expect(try registry.rollback("a", alias: "production").version == number, "\(why)")
        #expect(try registry.version("a").number == number)
      }
    }
  }

  @Test("a rollback passes over removed versions and over the one it names already")
  func removedVersions() throws {
    let registry = try registry(versions: 3)
    for number in [1, 2, 1, 3] { try registry.setAlias("production", to: "a@\(number)") }
    try registry.rollback("a", alias: "production")
    #expect(try registry.version("a").number == 1)
    try registry.removeVersion("a@2")
    let error = failure { try registry.rollback("a", alias: "production") }
    #expect(error?.code == .noHistory)
    #expect(error?.message.contains("names version 1") == true)
  }

  @Test("a rollback goes where it was looked up to go, or nowhere")
  func expectedTarget() throws {
    let registry = try registry(versions: 3)
    for number in 1...3 { try registry.setAlias("production", to: "a@\(number)") }
    #expect(try registry.rollbackTarget(of: "a", alias: "production").number == 2)
    #expect(try registry.version("a").number == 3, "a look moves nothing")
    let error = failure { try registry.rollback("a", alias: "production", expecting: 1) }
    #expect(error?.code == .moved && error?.message.contains("version 2") == true)
    #expect(try registry.version("a").number == 3)
    #expect(try registry.rollback("a", alias: "production", expecting: 2).version == 2)
    #expect(try registry.rollbackTarget(of: "a", alias: "production").number == 1)
    try registry.rollback("a", alias: "production")
    let end = failure { _ = try registry.rollbackTarget(of: "a", alias: "production") }
    #expect(end?.code == .noHistory)
  }

  @Test("aliases do not mix, and a removal starts the stack anew")
  func separateStacks() throws {
    let registry = try registry(versions: 3)
    try registry.setAlias("production", to: "a@1")
    try registry.setAlias("canary", to: "a@2")
    try registry.setAlias("production", to: "a@3")
    #expect(failure { try registry.rollback("a", alias: "canary") }?.code == .noHistory)
    #expect(failure { try registry.rollback("a", alias: "beta") }?.code == .notFound)
    try registry.removeAlias("a", alias: "production")
    #expect(failure { try registry.rollback("a", alias: "production") }?.code == .notFound)
    try registry.setAlias("production", to: "a@2")
    #expect(failure { try registry.rollback("a", alias: "production") }?.code == .noHistory)
    #expect(try registry.aliases(of: "a").map(\.alias) == ["canary", "production"])
  }

  @Test("the history keeps every move, when and by whom")
  func history() throws {
    let registry = try registry(versions: 2)
    try registry.setAlias("production", to: "a@1")
    try registry.setAlias("production", to: "a:latest")
    try registry.rollback("a", alias: "production")
    try registry.removeAlias("a", alias: "production")
    let moves = try registry.aliasHistory(of: "a")
    #expect(moves.map(\.kind) == [.remove, .rollback, .set, .set])
    #expect(moves.map(\.version) == [nil, 1, 2, 1])
    #expect(moves.map(\.previous) == [1, 2, 1, nil])
    #expect(moves.allSatisfy { $0.actor == "tester" && $0.alias == "production" })
    #expect(moves.map(\.at) == moves.map(\.at).sorted(by: >))
    #expect(try registry.aliasHistory(of: "a", alias: "canary").isEmpty)
    #expect(try registry.count("audit") == 7)  // base, two versions, four moves
  }

  @Test("a promotion moves the alias only where it stands as it was found, and the audit tells why")
  func promotion() throws {
    let registry = try registry(versions: 3)
    try registry.promote("a", to: 1, alias: "production", expecting: nil, because: "first")
    try registry.promote("a", to: 2, alias: "production", expecting: 1, because: "loss 1 < 2")
    let error = #expect(throws: RegistryError.self) {
      try registry.promote("a", to: 3, alias: "production", expecting: 1, because: "late")
    }
    #expect(error?.code == .moved && error?.message.contains("names version 2 now") == true)
    #expect(try registry.version("a").number == 2)
    try registry.refusePromotion(of: "a@3", alias: "production", because: "loss 3 is not < 2")
    let trail = try registry.auditTrail(of: "a").filter { $0.action.hasPrefix("promote") }
    #expect(
      trail.map { "\($0.action) \($0.subject) \($0.detail)" } == [
        "promote-refused a:production a@3: loss 3 is not < 2",
        "promote a:production a@2: loss 1 < 2", "promote a:production a@1: first",
      ])
    #expect(try registry.rollback("a", alias: "production").version == 1)
  }
}
