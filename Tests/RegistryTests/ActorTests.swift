import Digests
import Foundation
import Registry
import Testing

@Suite("Who acts, and when something changed") struct ActorTests {
  @Test("whoever acts for a while is written down in every history, and only for that while")
  func acting() async throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.acting(as: "key:ops") {
      try registry.publish(draft("a"), alias: "production")
      try registry.addNote("good", to: "a@1")
      try registry.acting(as: "key:inner") { try registry.tag("a", ["beta"]) }
      try registry.tag("a", ["english"])
    }
    #expect(throws: RegistryError.self) {
      try registry.acting(as: "key:failing") { try registry.tag("nobody", ["x"]) }
    }
    try registry.tag("a", ["late"])
    #expect(try registry.aliasHistory(of: "a").map(\.actor) == ["key:ops"])
    #expect(try registry.notes(of: "a").map(\.actor) == ["key:ops"])
    let lines = try registry.auditTrail(of: "a").reversed()
    #expect(lines.map(\.action) == ["publish", "alias", "note", "tag", "tag", "tag"])
    #expect(lines.map(\.actor).prefix(3) == ["key:ops", "key:ops", "key:ops"])
    #expect(lines.map(\.actor).suffix(3) == ["key:inner", "key:ops", "tester"])
  }

  @Test("tasks at the same time each act as their own")
  func tasks() async throws {
    let registry = try Registry.withBase(try Scratch())
    for number in 0..<20 { try registry.publish(draft("a\(number)", seed: number)) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          try await registry.acting(as: "key:k\(number)") {
            await Task.yield()
            try registry.addNote("mine", to: "a\(number)")
          }
        }
      }
      try await group.waitForAll()
    }
    for number in 0..<20 {
      #expect(try registry.notes(of: "a\(number)").map(\.actor) == ["key:k\(number)"])
    }
  }

  @Test(
    "the data's version changes with every commit, of this registry or another, and with nothing else"
  )
  func dataVersion() throws {
    let scratch = try Scratch()
    let (mine, other) = (try Registry.withBase(scratch), try scratch.open())
    var versions = [try mine.dataVersion()]
    func look() throws { versions.append(try mine.dataVersion()) }
    // Reading is no change, nor is a write that fails.
    _ = try mine.list()
    _ = try other.bases()
    try look()
    #expect(versions[1] == versions[0])
    let changes: [() throws -> Void] = [
      { try mine.publish(draft("a"), alias: "production") },
      { try other.publish(draft("a", seed: 1), alias: "production") },
      { try mine.rollback("a", alias: "production") },
      { _ = try other.addKey(NewKey("ops")) },
      { _ = try mine.revokeKey("ops") },
      { try other.removeAlias("a", alias: "production") },
      { try mine.tag("a", ["x"]) }, { try mine.untag("a", ["x"]) },
      // Both between two looks.
      {
        try mine.tag("a", ["x"])
        try other.untag("a", ["x"])
      },
    ]
    versions.removeLast()
    for (number, change) in changes.enumerated() {
      try change()
      try look()
      #expect(try mine.dataVersion() == versions.last, "change \(number) is told twice")
    }
    #expect(Set(versions).count == changes.count + 1, "\(versions)")
  }
}
