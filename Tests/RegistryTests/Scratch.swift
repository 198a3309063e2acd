import Digests
import Foundation
import Registry
import Synchronization

/// A folder of its own for one test, removed at the end, with a clock that ticks a second a look.
final class Scratch: Sendable {
  let folder: URL
  private let seconds = Mutex(1_700_000_000.0)

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "registry-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  var path: String { folder.appendingPathComponent("registry.sqlite").path }

  var bytes: [UInt8] {
    get throws { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
  }

  /// Opens the registry of this folder.
  func open(owner: ProcessIdentity = .current, busyTimeout: Int = 10_000) throws -> Registry {
    try Registry(
      path: path, actor: "tester", busyTimeout: busyTimeout, owner: owner,
      now: { [self] in tick() })
  }

  func tick(by step: Double = 1) -> Date {
    seconds.withLock { seconds in
      seconds += step
      return Date(timeIntervalSince1970: seconds)
    }
  }
}

let tiny = NewBase(
  fingerprint: Digest.of("tiny"), name: "tiny-base", path: "models/tiny", format: "huggingface",
  size: 1234, modified: Date(timeIntervalSince1970: 1_600_000_000.5), architecture: "llama",
  parameterCount: 99, configuration: #"{"hidden_size": 8}"#,
  tokenizerDigest: Digest.of("tokenizer"), templateDigest: nil)

/// A version of `adapter` on the base `tiny`; another `seed` is another digest.
func draft(_ adapter: String, seed: Int = 0, weights: [UInt8] = [1, 2, 3]) -> NewVersion {
  NewVersion(
    adapter: adapter, digest: Digest.of("version \(seed)"), base: tiny.fingerprint, method: "lora",
    rank: 16, alpha: 32, configuration: #"{"r": 16}"#, promptContract: #"{"stop": []}"#,
    weights: weights + [UInt8(truncatingIfNeeded: seed)])
}

/// A run for `adapter`; another `seed` is another recipe.
func draftRun(_ adapter: String, seed: UInt64 = 7) -> NewRun {
  NewRun(
    adapter: adapter, recipe: #"{"steps": 10}"#, recipeDigest: Digest.of("recipe \(seed)"),
    base: tiny.fingerprint, seed: seed, totalSteps: 10, program: "lorikeet 0.1",
    datasets: [
      "train": DatasetRecord(digest: Digest.of("data"), path: "train.jsonl", rows: 40)
    ])
}

/// The error that `body` throws, or nil.
func failure(_ body: () throws -> Void) -> RegistryError? {
  do {
    try body()
    return nil
  } catch {
    return error as? RegistryError
  }
}

extension Registry {
  /// A registry with the base `tiny`.
  static func withBase(_ scratch: Scratch) throws -> Registry {
    let registry = try scratch.open()
    try registry.addBase(tiny)
    return registry
  }

  /// The number of rows of `table`.
  func count(_ table: String) throws -> Int {
    try read { try $0.integer("SELECT count(*) FROM \(table)") }
  }
}
