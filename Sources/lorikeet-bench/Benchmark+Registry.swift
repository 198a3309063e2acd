import Adapters
import Digests
import Foundation
import Lorikeet

extension Benchmark {
  /// The registry and the loader: a registry of its own, in a temporary folder, with two versions of one adapter.
  private func scratchWorkspace(_ base: LoadedBase) throws -> Workspace {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-bench-\(ProcessInfo.processInfo.processIdentifier)")
    atExit { try? FileManager.default.removeItem(at: folder) }
    let scratch = try Workspace(home: folder.path, pool: workspace.pool)
    _ = try scratch.registry.addBase(base.record.facts)
    for seed in [101, 102] {
      let adapter = try randomAdapter(base, seed: UInt64(seed))
      _ = try scratch.registry.publish(
        NewVersion(
          adapter: "bench/adapter", digest: adapter.digest, base: adapter.baseFingerprint,
          method: "lora", rank: 16, alpha: 32,
          configuration: String(decoding: adapter.configuration.file, as: UTF8.self),
          promptContract: String(decoding: adapter.promptContract, as: UTF8.self),
          weights: try adapter.weightsFile()))
    }
    return scratch
  }

  /// - Parameter open: Opens the base when it is first asked for.
  func registryEntries(_ open: @escaping () throws -> LoadedBase) -> [Entry] {
    var kept: Workspace?
    func both() throws -> (scratch: Workspace, base: LoadedBase) {
      let base = try open()
      let scratch = try kept ?? scratchWorkspace(base)
      kept = scratch
      return (scratch, base)
    }
    var next = 1
    return [
      Entry(name: "load/adapter-cold", unit: "ms") {
        let (scratch, base) = try both()
        let pool = AdapterPool(base: base.record.facts.fingerprint, capacityBytes: 1 << 30)
        return try self.seconds {
          let version = try scratch.registry.version("bench/adapter@1")
          _ = try scratch.pin(version, on: base, in: pool)
        } * 1000
      },
      Entry(name: "swap/resident", unit: "ms") {
        let (scratch, base) = try both()
        _ = try scratch.pin(try scratch.registry.version("bench/adapter@1"), on: base)
        _ = try scratch.pin(try scratch.registry.version("bench/adapter@2"), on: base)
        let reference = "bench/adapter@\(next % 2 + 1)"
        next += 1
        return try self.seconds {
          _ = try scratch.pin(try scratch.registry.version(reference), on: base)
        } * 1000
      },
      Entry(name: "registry/alias-move", unit: "ms") {
        let scratch = try both().scratch
        next += 1
        return try self.seconds {
          _ = try scratch.registry.setAlias("production", to: "bench/adapter@\(next % 2 + 1)")
        } * 1000
      },
      Entry(name: "registry/list", unit: "ms") {
        let scratch = try both().scratch
        return try self.seconds {
          let fresh = try Registry(path: scratch.registry.path)
          _ = try fresh.list()
        } * 1000
      },
    ]
  }
}
