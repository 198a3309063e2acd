// Works on a registry without pause until it is killed: what the tests of `kill -9` kill.
//
// Usage: storm REGISTRY
// Each operation that has returned is one line on the output, written before the next begins; the first says that it runs.

import Digests
import Foundation
import Registry

/// Writes a line at once, whole.
func acknowledge(_ words: String...) {
  FileHandle.standardOutput.write(Data((words.joined(separator: " ") + "\n").utf8))
}

/// One process's work: random operations on four adapters and a run of each.
struct Storm {
  let registry: Registry
  let backup: String
  var random: SystemRandomNumberGenerator = .init()
  var run: (id: Int, adapter: String, step: Int)?

  func bytes(_ salt: Int) -> [UInt8] {
    let count = [40, 4_000, 300_000][salt % 3]
    return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ salt &* 7) }
  }

  mutating func step() throws {
    let name = "acme/\(["a", "b", "c", "d"].randomElement(using: &random) ?? "a")"
    let salt = Int.random(in: 0..<1_000_000_000, using: &random)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<25: try publish(name, salt)
    case 25..<40: try move(name)
    case 40..<75: try train(name, salt)
    case 75..<85: try evaluate(name, salt)
    case 85..<90: try remove(name)
    case 90..<96:
      _ = try registry.collect(stoppedBefore: Date(timeIntervalSince1970: 0), isDry: false)
      acknowledge("collected")
    default:
      try registry.backup(to: backup, replacing: true)
      acknowledge("backup")
    }
  }

  private func draft(_ name: String, _ salt: Int) -> NewVersion {
    NewVersion(
      adapter: name, digest: Digest.of("version \(salt)"), base: Digest.of("base"), method: "lora",
      rank: 8, alpha: 16, configuration: "{}", promptContract: "{}", weights: bytes(salt))
  }

  private func publish(_ name: String, _ salt: Int) throws {
    let version = try registry.publish(draft(name, salt)).version
    acknowledge("published", name, "\(version.number)", version.weights.hex)
  }

  private func move(_ name: String) throws {
    guard let versions = try? registry.versions(of: name), let version = versions.randomElement()
    else { return }
    acknowledge("moving", name, "\(version.number)")
    _ = try registry.setAlias("production", to: version.reference)
    acknowledge("alias", name, "\(version.number)")
  }

  /// The next step of a run; its end publishes.
  private mutating func train(_ name: String, _ salt: Int) throws {
    guard let now = run else {
      let record = try registry.startRun(
        NewRun(
          adapter: name, recipe: "{}", recipeDigest: Digest.of("\(salt)"), base: Digest.of("base"),
          seed: 1, totalSteps: 5, program: "storm", datasets: [:]))
      acknowledge("run", "\(record.id)")
      run = (record.id, name, 0)
      return
    }
    let step = now.step + 1
    if step > 5 {
      let version = try registry.publish(draft(now.adapter, salt), completing: now.id).version
      acknowledge("published", now.adapter, "\(version.number)", version.weights.hex)
      run = nil
      return
    }
    try registry.appendPoints([RunPoint(step: step, loss: 1)], toRun: now.id)
    try registry.saveCheckpoint(ofRun: now.id, step: step, state: bytes(salt))
    acknowledge("checkpoint", "\(now.id)", "\(step)", Digest.of(bytes(salt)).hex)
    run = (now.id, now.adapter, step)
  }

  private func evaluate(_ name: String, _ salt: Int) throws {
    guard let version = (try? registry.versions(of: name))?.randomElement() else { return }
    try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: name, number: version.number),
        dataset: DatasetRecord(digest: Digest.of("data"), path: "data", rows: 1), settings: "{}",
        metrics: "{}", score: 1, scoreName: "loss", answers: bytes(salt), program: "storm"))
    acknowledge("evaluated", name, "\(version.number)")
  }

  private func remove(_ name: String) throws {
    guard let version = (try? registry.versions(of: name))?.last else { return }
    // Said before, too: between the two nobody can tell.
    acknowledge("removing", name, "\(version.number)")
    do {
      try registry.removeVersion(version.reference)
      acknowledge("removed", name, "\(version.number)")
    } catch let error as RegistryError where error.code == .protected {}
  }
}

do {
  let registry = try Registry(path: CommandLine.arguments[1])
  var storm = Storm(registry: registry, backup: CommandLine.arguments[1] + ".backup")
  acknowledge("running")
  while true { try storm.step() }
} catch {
  FileHandle.standardError.write(Data("storm: \(error)\n".utf8))
  exit(1)
}
