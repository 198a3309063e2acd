import Digests
import Foundation
import Registry

/// One process's work: random operations on four adapters and a run of each, and on what leaves their registry.
struct Storm {
  let path: String
  let registry: Registry
  /// Another registry, which takes bundles in.
  let second: Registry
  var random: SystemRandomNumberGenerator = .init()
  var run: (id: Int, adapter: String, step: Int)?

  func bytes(_ salt: Int) -> [UInt8] {
    let count = [40, 4_000, 300_000][salt % 3]
    return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ salt &* 7) }
  }

  mutating func step() throws {
    let letter = ["a", "b", "c", "d"].randomElement(using: &random) ?? "a"
    let name = "acme/\(letter)"
    let salt = Int.random(in: 0..<1_000_000_000, using: &random)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<20: try publish(name, salt)
    case 20..<30: try move(name)
    case 30..<55: try train(name, salt)
    case 55..<63: try evaluate(name, salt)
    case 63..<67: try remove(letter)
    case 67..<71:
      _ = try registry.collect(stoppedBefore: Date(timeIntervalSince1970: 0), isDry: false)
      acknowledge("collected")
    case 71..<76: try backup()
    case 76..<83: try restore()
    case 83..<87: try migrate()
    default: try exchange(letter)
    }
  }

  private func draft(_ name: String, _ salt: Int) -> NewVersion {
    NewVersion(
      adapter: name, digest: Digest.of("version \(salt)"), base: Digest.of("base"), method: "lora",
      rank: 8, alpha: 16, configuration: "{}", promptContract: "{}", weights: bytes(salt))
  }

  private func publish(_ name: String, _ salt: Int) throws {
    let version = try registry.publish(draft(name, salt)).version
    acknowledge("published", version.reference, version.weights.hex)
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
      acknowledge("published", version.reference, version.weights.hex)
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
    acknowledge("evaluated", version.reference)
  }

  /// Removes the oldest versions, so that those of one adapter stay few.
  private mutating func remove(_ letter: String) throws {
    for (registry, name) in [
      (registry, "acme/\(letter)"), (registry, "copy/\(letter)"), (second, "second/\(letter)"),
    ] {
      for version in ((try? registry.versions(of: name)) ?? []).dropFirst(4) {
        // Said before, too: between the two nobody can tell.
        acknowledge("removing", version.reference)
        do {
          try registry.removeVersion(version.reference)
          acknowledge("removed", version.reference)
        } catch let error as RegistryError where error.code == .protected {
          acknowledge("kept", version.reference, version.weights.hex)
        }
      }
    }
  }
}
