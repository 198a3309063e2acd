import Digests
import Foundation
import Registry

/// A registry of many adapters, filled through the statements that publishing runs, thousands of them in a transaction.
final class ScaleRegistry {
  /// How many adapters with how many versions each.
  struct Size {
    let adapters: Int
    let versions: Int
    /// `1000`, `10000x3`.
    var name: String { "\(adapters)" + (versions > 1 ? "x\(versions)" : "") }

    static let all = [
      Size(adapters: 10, versions: 1), Size(adapters: 100, versions: 1),
      Size(adapters: 1_000, versions: 1), Size(adapters: 10_000, versions: 3),
      Size(adapters: 100_000, versions: 1),
    ]
  }

  let size: Size
  let registry: Registry

  /// Fills a registry in `folder`.
  init(_ size: Size, in folder: URL) throws {
    self.size = size
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    registry = try Registry(path: folder.appendingPathComponent("\(size.name).sqlite").path)
    for base in Self.bases { try registry.addBase(base) }
    for first in stride(from: 0, to: size.adapters, by: 5_000) {
      try registry.write { database in
        for index in first..<min(size.adapters, first + 5_000) { try fill(index, in: database) }
      }
    }
    _ = try registry.read { try $0.first("PRAGMA wal_checkpoint(TRUNCATE)") { try $0.integer() } }
  }

  /// The adapter in the middle of the alphabet.
  var middle: String { Self.name(size.adapters / 2) }

  /// `customer-00123/support`; eight adapters a customer.
  static func name(_ index: Int) -> String {
    let uses = [
      "classify", "extract", "intent", "rewrite", "route", "sentiment", "summary", "support",
    ]
    return "customer-\(String(100_000 + index / 8).dropFirst())/\(uses[index % 8])"
  }

  /// Every thousandth adapter has this tag.
  static let rareTag = "pilot"
  /// Every thousandth adapter fits this base.
  static var rareBase: Digest { bases[3].fingerprint }

  private static let bases = (0..<4).map { index in
    NewBase(
      fingerprint: Digest.of("base \(index)"), name: "base-\(index)", path: "/models/\(index)",
      format: "gguf", size: 98_000_000, modified: Date(timeIntervalSince1970: 1_700_000_000),
      architecture: "llama", parameterCount: 134_000_000, configuration: "{}")
  }

  /// A version of the adapter of this number: a configuration and a prompt contract as long as real ones, and no real
  /// weights.
  func version(_ index: Int, _ number: Int) -> NewVersion {
    let base = index % 1_000 == 7 ? 3 : index % 3
    return NewVersion(
      adapter: Self.name(index), digest: Digest.of("version \(index) \(number)"),
      base: Self.bases[base].fingerprint, method: "lora", rank: 8, alpha: 16,
      configuration: Self.configuration, promptContract: Self.contract,
      weights: Array("weights \(index) \(number)".utf8)
        + [UInt8](repeating: 7, count: (index * 7_919) % 1_009))
  }

  private static let configuration =
    #"{"r": 8, "target_modules": [""#
    + (0..<60).map { "model.layers.\($0).q_proj" }.joined(separator: #"", ""#) + #""]}"#
  private static let contract =
    #"{"template": ""# + String(repeating: "{{ message }}", count: 60) + #""}"#

  private func fill(_ index: Int, in database: Database) throws {
    for number in 1...size.versions {
      let version = version(index, number)
      _ = try registry.publish(
        version, weights: Digest.of(version.weights), alias: number == 1 ? "production" : nil,
        in: database)
      if index % 5 > 0 { try evaluate(index, number, in: database) }
    }
    let tags = (index % 2 == 0 ? ["english"] : []) + (index % 1_000 == 3 ? [Self.rareTag] : [])
    try registry.tag(Self.name(index), checked: tags, in: database)
  }

  private func evaluate(_ index: Int, _ number: Int, in database: Database) throws {
    let score = Double((index * 7_919 + number) % 10_007) / 10_007
    _ = try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: Self.name(index), number: number),
        dataset: DatasetRecord(digest: Digest.of("data"), path: "eval.jsonl", rows: 73),
        settings: "{}", metrics: #"{"loss": 0.3, "accuracy": \#(score)}"#, score: score,
        scoreName: "accuracy", program: "lorikeet-bench"), answers: nil, in: database)
  }
}
