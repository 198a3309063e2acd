package import Adapters
package import Digests
package import Foundation
package import HTTPService
package import Lorikeet
import Models
package import Registry
import Tensors

/// A service over HTTP on a folder of its own: a toy base, and as many random adapters as are published.
package final class ToyService {
  /// The folder with the base and the registry.
  package let home: URL
  /// What is served.
  package let service: Service
  /// Where.
  package let http: HTTPService
  /// The same registry as another process would open it.
  package let registry: Registry
  /// The workspace, which is busy serving.
  package let workspace: Workspace

  /// Serves on a free port.
  /// - Parameter parent: Where the folder is made.
  package init(
    in parent: URL = FileManager.default.temporaryDirectory,
    _ change: (inout ServiceOptions, inout HTTPService.Options) -> Void = { _, _ in }
  ) throws {
    home = parent.appendingPathComponent("lorikeet-toy-\(UUID().uuidString)")
    let base = home.appendingPathComponent("base")
    try ToyBase.write(to: base)
    var options = ServiceOptions()
    options.watchSeconds = 0.02
    var httpOptions = HTTPService.Options()
    change(&options, &httpOptions)
    workspace = try Workspace(home: home.path, pool: WorkerPool(threads: 2))
    _ = try workspace.addBase(path: base.path, name: ToyBase.name)
    service = try workspace.serve(options: options)
    http = try HTTPService(service, options: httpOptions)
    registry = try Registry(path: workspace.registry.path, create: false, actor: "other")
  }

  deinit {
    http.stop()
    workspace.pool.shutDown()
    try? FileManager.default.removeItem(at: home)
  }
}

extension ToyService {
  /// An adapter with random weights, large enough to be heard; the same seed makes the same.
  package func adapter(_ seed: Int, rank: Int = 4) throws -> Adapter {
    try service.base.toyAdapter(seed, rank: rank)
  }

  /// Publishes the adapter of `seed`, as another process would.
  @discardableResult
  package func publish(_ seed: Int, as name: String, alias: String? = nil) throws -> VersionRecord {
    try registry.publishToy(try adapter(seed), as: name, alias: alias)
  }
}

extension LoadedBase {
  /// An adapter with random weights, large enough to be heard; the same seed makes the same.
  package func toyAdapter(_ seed: Int, rank: Int = 4) throws -> Adapter {
    let configuration = LoRAConfiguration(rank: rank, alpha: 32, targets: .allLinear)
    let start = try TargetSelection(configuration, slots: model.slots).initialDeltas(
      slots: model.slots, seed: UInt64(seed))
    var generator = SplitMix64(seed: UInt64(seed))
    let deltas = start.sorted { $0.key < $1.key }.map { slot, delta in
      let b = Matrix(
        rows: delta.b.rows, columns: delta.b.columns,
        (0..<delta.b.count).map { _ in generator.uniform() - 0.5 })
      return (slot, LowRank(a: delta.a, b: b, scale: delta.scale))
    }
    return try Adapter(
      configuration: configuration, baseFingerprint: record.facts.fingerprint,
      promptContract: contract.canonicalJSON, slots: model.slots,
      deltas: Dictionary(uniqueKeysWithValues: deltas))
  }
}

extension Registry {
  /// Publishes `adapter` as it is, for the base `base` (by default the one that it was made for).
  @discardableResult
  package func publishToy(
    _ adapter: Adapter, as name: String, alias: String? = nil, base: Digest? = nil
  ) throws -> VersionRecord {
    let version = NewVersion(
      adapter: name, digest: adapter.digest, base: base ?? adapter.baseFingerprint, method: "lora",
      rank: adapter.configuration.rank, alpha: adapter.configuration.alpha,
      configuration: String(decoding: adapter.configuration.file, as: UTF8.self),
      promptContract: String(decoding: adapter.promptContract, as: UTF8.self),
      weights: try adapter.weightsFile())
    return try publish(version, alias: alias).version
  }
}
