public import Digests
public import Foundation

/// What a caller knows of a version that it publishes.
public struct NewVersion: Sendable, Hashable {
  /// The adapter's name; a new name makes a new adapter.
  public var adapter: String
  /// The version's identity (law 5): tensors, configuration, prompt contract and base.
  public var digest: Digest
  /// The fingerprint of the base it fits; registered before.
  public var base: Digest
  /// `lora`, `rslora`, ...
  public var method: String
  /// The (largest) rank.
  public var rank: Int
  /// The scale's numerator.
  public var alpha: Double
  /// The adapter's configuration, JSON.
  public var configuration: String
  /// The prompt contract, JSON.
  public var promptContract: String
  /// The weights, safetensors bytes.
  public var weights: [UInt8]
  /// The version it was trained on from.
  public var parent: Digest?
  /// A word of its maker.
  public var note: String?

  /// A version with these facts.
  public init(
    adapter: String, digest: Digest, base: Digest, method: String, rank: Int, alpha: Double,
    configuration: String, promptContract: String, weights: [UInt8], parent: Digest? = nil,
    note: String? = nil
  ) {
    self.adapter = adapter
    self.digest = digest
    self.base = base
    self.method = method
    self.rank = rank
    self.alpha = alpha
    self.configuration = configuration
    self.promptContract = promptContract
    self.weights = weights
    self.parent = parent
    self.note = note
  }
}

/// An immutable version of an adapter.
public struct VersionRecord: Sendable, Hashable {
  /// The adapter's name.
  public let adapter: String
  /// 1, 2, ...; numbers of removed versions are not used again.
  public let number: Int
  /// Its identity.
  public let digest: Digest
  /// The version it was trained on from; may be in another registry or removed.
  public let parent: Digest?
  /// The fingerprint of its base.
  public let base: Digest
  /// The name of its base.
  public let baseName: String
  /// `lora`, `rslora`, ...
  public let method: String
  /// The (largest) rank.
  public let rank: Int
  /// The scale's numerator.
  public let alpha: Double
  /// The adapter's configuration, JSON.
  public let configuration: String
  /// The prompt contract, JSON.
  public let promptContract: String
  /// The digest of the weights' bytes; ``Registry/blob(_:)`` gives them.
  public let weights: Digest
  /// The weights' bytes, counted.
  public let size: Int
  /// The run that made it.
  public let run: Int?
  /// When it was published.
  public let created: Date
  /// A word of its maker.
  public let note: String?

  /// `name@number`.
  public var reference: String { "\(adapter)@\(number)" }

  package static let select = """
    SELECT a.name, v.number, v.digest, v.parent_digest, v.base_fingerprint, b.name, v.method,
      v.rank, v.alpha, v.configuration, v.prompt_contract, w.digest, v.size, v.run_id, v.created,
      v.note
    FROM versions v
    JOIN adapters a ON a.id = v.adapter_id
    JOIN bases b ON b.fingerprint = v.base_fingerprint
    JOIN blobs w ON w.id = v.weights_id

    """

  init(_ row: inout Row) throws {
    adapter = try row.text()
    number = try row.integer()
    digest = try row.digest()
    parent = try row.optional { try $0.digest() }
    base = try row.digest()
    baseName = try row.text()
    method = try row.text()
    rank = try row.integer()
    alpha = try row.real()
    configuration = try row.text()
    promptContract = try row.text()
    weights = try row.digest()
    size = try row.integer()
    run = try row.optional { try $0.integer() }
    created = try row.date()
    note = try row.optional { try $0.text() }
  }
}
