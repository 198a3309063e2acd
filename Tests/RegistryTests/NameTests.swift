import Digests
import Foundation
import Registry
import Testing

@Suite("An adapter and a base do not share a name") struct NameTests {
  private func other(_ name: String) -> NewBase {
    var base = tiny
    base.fingerprint = Digest.of("another base")
    base.name = name
    return base
  }

  @Test("an adapter does not come to have a base's name")
  func adapters() throws {
    let (here, there) = (try Scratch(), try Scratch())
    let registry = try Registry.withBase(here)
    try registry.publish(draft("a"))
    let file = here.folder.appendingPathComponent("a.bundle").path
    try registry.exportBundle("a", to: file)
    let target = try Registry.withBase(there)
    let attempts: [() throws -> Void] = [
      { try registry.publish(draft("tiny-base")) },
      { _ = try registry.startRun(draftRun("tiny-base")) },
      { try registry.rename("a", to: "tiny-base") },
      { _ = try target.importBundle(file, name: "tiny-base") { _, _ in } },
    ]
    for (index, attempt) in attempts.enumerated() {
      let error = failure(attempt)
      #expect(error?.code == .exists, "\(index)")
      #expect(
        error?.message
          == "there is a base 'tiny-base' already; choose another name or remove it first")
    }
    #expect(try registry.list().map(\.name) == ["a"] && target.list().isEmpty)
    #expect(try registry.runs().isEmpty)
  }

  @Test("a base does not come to have an adapter's name")
  func bases() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a"))
    let error = failure { try registry.addBase(other("a")) }
    #expect(error?.code == .exists)
    #expect(
      error?.message == "there is an adapter 'a' already; choose another name or remove it first")
    #expect(try registry.bases().map(\.name) == ["tiny-base"])
  }

  @Test("a registry that has such a pair from before goes on with both")
  func pairFromBefore() throws {
    let scratch = try Scratch()
    do {
      let registry = try Registry.withBase(scratch)
      try registry.publish(draft("a"))
      try registry.write { try $0.run("UPDATE adapters SET name = 'tiny-base' WHERE name = 'a'") }
    }
    let registry = try scratch.open()
    #expect(try registry.publish(draft("tiny-base", seed: 1)).version.number == 2)
    #expect(try registry.addBase(tiny).name == "tiny-base")
    try registry.rename("tiny-base", to: "b")
    #expect(try registry.version("b@2").number == 2)
  }

  @Test(
    "a new alias of digits alone, which reads as a version, is refused; one from before goes on")
  func digits() throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.publish(draft("a"))
    let error = failure { try registry.setAlias("3", to: "a@1") }
    #expect(error?.code == .badArgument)
    #expect(error?.message.contains("'a:3' would be taken for version 3") == true)
    try registry.setAlias("v3", to: "a@1")
    try registry.write { database in
      for table in ["aliases", "alias_moves"] {
        try database.run("DROP TRIGGER IF EXISTS \(table)_are_immutable")
        try database.run("UPDATE \(table) SET alias = '3'")
      }
    }
    try registry.publish(draft("a", seed: 1))
    #expect(try registry.setAlias("3", to: "a@2").version == 2)
    #expect(try registry.rollback("a", alias: "3").version == 1)
    try registry.removeAlias("a", alias: "3")
  }

  @Test("versions and adapters that are named together go together, or none does")
  func allOrNothing() throws {
    let registry = try Registry.withBase(try Scratch())
    for seed in 0..<3 { try registry.publish(draft("a", seed: seed)) }
    try registry.publish(draft("b", seed: 9))
    #expect(failure { try registry.removeVersions(["a@1", "nothing@1"]) }?.code == .notFound)
    try registry.setAlias("production", to: "a@2")
    #expect(failure { try registry.removeVersions(["a@1", "a@2"]) }?.code == .protected)
    #expect(failure { try registry.removeAdapters(["b", "a"]) }?.code == .protected)
    #expect(try registry.count("versions") == 4)
    #expect(try registry.removeVersions(["a@1", "a:latest", "a@3"]).map(\.number) == [1, 3, 3])
    #expect(try registry.versions(of: "a").map(\.number) == [2])
    try registry.removeAlias("a", alias: "production")
    #expect(try registry.removeAdapters(["b", "a"]) == [1, 1])
  }
}
