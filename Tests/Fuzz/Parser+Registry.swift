import Digests
import Foundation
import Registry

extension Parser {
  /// A registry's file, and what reads it.
  static func registry() throws -> Parser {
    let folder = try ScratchFolder()
    let path = folder.path("registry.sqlite")
    try fill(try Registry(path: path))
    let sample = Sample("registry", try Data(contentsOf: URL(fileURLWithPath: path)), .binary)
    return Parser([sample], slowness: 4) { _, bytes in
      for tail in ["-wal", "-shm", "-journal"] {
        try? FileManager.default.removeItem(atPath: path + tail)
      }
      try folder.write(bytes, "registry.sqlite")
      try look(try Registry(path: path, create: false, busyTimeout: 10))
    }
  }

  static func addBase(to registry: Registry) throws {
    try registry.addBase(
      NewBase(
        fingerprint: Digest.of("base"), name: "tiny", path: "/base", format: "gguf", size: 1,
        modified: Date(timeIntervalSince1970: 0), architecture: "llama", parameterCount: 1,
        configuration: "{}"))
  }

  static func fill(_ registry: Registry) throws {
    try addBase(to: registry)
    let base = Digest.of("base")
    let trained = try begin(registry)
    for (number, name) in ["acme/a", "acme/a", "b"].enumerated() {
      try registry.publish(
        NewVersion(
          adapter: name, digest: Digest.of("\(number)"), base: base, method: "lora", rank: 8,
          alpha: 16, configuration: "{}", promptContract: "{}",
          weights: [UInt8](repeating: UInt8(number), count: 3000)), alias: "production",
        completing: name == "b" ? trained : nil)
    }
    _ = try begin(registry)
    try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: "b", number: 1),
        dataset: DatasetRecord(digest: Digest.of("d"), path: "d", rows: 1), settings: "{}",
        metrics: "{}", score: 1, scoreName: "loss", answers: [1, 2], program: "fuzz"))
    try registry.tag("b", ["tag"])
    try registry.addNote("a word", to: "b@1")
    _ = try registry.addKey(NewKey("ops", scopes: ["acme/*", "b"], isAdmin: true))
    try registry.revokeKey("ops")
    _ = try registry.addKey(NewKey("ops", ratePerMinute: 600, tokensPerDay: 1_000))
  }

  /// A run of the adapter `b` after its first step.
  private static func begin(_ registry: Registry) throws -> Int {
    let data = DatasetRecord(digest: Digest.of("d"), path: "d", rows: 1)
    let run = try registry.startRun(
      NewRun(
        adapter: "b", recipe: "{}", recipeDigest: Digest.of("r"), base: Digest.of("base"), seed: 1,
        totalSteps: 5, program: "fuzz", datasets: ["train": data]))
    try registry.appendPoints([RunPoint(step: 1, loss: 1)], toRun: run.id)
    try registry.saveCheckpoint(
      ofRun: run.id, step: 1, state: [1, 2, 3], adapter: Digest.of("after 1"))
    return run.id
  }

  /// Everything that the commands look at. A refusal of one thing does not keep the others from being asked.
  static func look(_ registry: Registry) throws {
    var refusals: [any Error] = []
    func ask<Answer>(_ question: () throws -> Answer) -> Answer? {
      do { return try question() } catch {
        refusals.append(error)
        return nil
      }
    }
    for base in ask({ try registry.bases() }) ?? [] {
      _ = ask { try registry.base(base.facts.fingerprint) }
    }
    for summary in ask({ try registry.list() }) ?? [] {
      for alias in summary.aliases {
        _ = ask { try registry.version("\(summary.name):\(alias.alias)") }
      }
      for version in ask({ try registry.versions(of: summary.name) }) ?? [] {
        _ = ask { try registry.weights(of: version) }
        _ = ask {
          try registry.evaluations(
            of: .version(adapter: version.adapter, number: version.number))
        }
      }
      _ = ask { try registry.aliasHistory(of: summary.name) }
      _ = ask { try registry.notes(of: summary.name) }
      _ = ask { try registry.auditTrail(of: summary.name) }
    }
    for run in ask({ try registry.runs() }) ?? [] {
      _ = ask { try registry.points(ofRun: run.id) }
      _ = ask { try registry.adapterDigests(ofRun: run.id) }
      _ = ask { try registry.newestCheckpoint(ofRun: run.id) }
    }
    for key in ask({ try registry.keys() }) ?? [] {
      _ = ask { try registry.keyTrail(of: key.name) }
      _ = ask { try registry.authenticate("lrk-\(key.id)-" + String(repeating: "A", count: 43)) }
    }
    _ = ask { try registry.verify() }
    _ = ask { try registry.collect(stoppedBefore: .distantPast, isDry: true) }
    _ = ask { try registry.setAlias("canary", to: "b@1") }
    for error in refusals {
      if let complaint = Complaint(about: error) { throw complaint }
    }
    if let first = refusals.first { throw first }
  }
}
