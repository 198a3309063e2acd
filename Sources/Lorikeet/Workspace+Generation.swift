import Adapters
public import Digests
import Foundation
import Models
public import Registry
public import Serving
import Tensors
public import Tokenizers
import Training

/// What one reference answered.
public struct Answer: Sendable {
  /// `name@version`, or `base`.
  public let reference: String
  /// The version's digest; nil for the base.
  public let digest: Digest?
  /// The answer.
  public let result: GenerateResult
}

/// How to generate.
public struct GenerateOptions: Sendable {
  /// The most tokens of an answer.
  public var maximumTokens = 256
  /// How tokens are chosen.
  public var sampler = SamplerSettings()
  /// Texts that end an answer, besides the contract's stops.
  public var stopTexts: [String] = []
  /// What the system is told first, where the adapter's contract leaves that open.
  public var system: String?

  /// The defaults: greedy, 256 tokens.
  public init() {}
}

extension Workspace {
  /// The name that stands for a base without an adapter.
  public static let baseReference = "base"

  /// Answers `prompt` once for each of `references`, together, off one base in memory.
  ///
  /// Each adapter is spoken to under its own prompt contract.
  /// - Parameters:
  ///   - references: Versions (`name`, `name@2`, `name:alias`), or `base`; all on one base.
  ///   - onText: Receives a reference's index and its next piece of text; returns whether to go on.
  public func generate(
    _ prompt: String, with references: [String] = [Workspace.baseReference],
    base name: String? = nil,
    options: GenerateOptions = GenerateOptions(),
    onText: (Int, String) -> Bool = { _, _ in true }
  ) throws -> [Answer] {
    try generate(
      [Message(role: "user", content: prompt)], with: references, base: name, options: options,
      onText: onText)
  }

  /// The same for a whole conversation.
  public func generate(
    _ messages: [Message], with references: [String], base name: String? = nil,
    options: GenerateOptions = GenerateOptions(),
    onText: (Int, String) -> Bool = { _, _ in true }
  ) throws -> [Answer] {
    let resolved = try references.map { try (reference: $0, version: version($0)) }
    let base = try commonBase(resolved, name: name)
    var requests: [GenerateRequest] = []
    for (_, version) in resolved {
      let pinned = try version.map { try pin($0, on: base) }
      requests.append(try request(messages, pinned, on: base, options))
    }
    let results = try base.engine.generate(requests, onText: onText)
    return zip(resolved, results).map { item, result in
      Answer(
        reference: item.version?.reference ?? Workspace.baseReference, digest: item.version?.digest,
        result: result)
    }
  }

  /// One request under the contract of its adapter, or of the base.
  private func request(
    _ messages: [Message], _ pinned: PinnedAdapter?, on base: LoadedBase, _ options: GenerateOptions
  ) throws -> GenerateRequest {
    let contract =
      try pinned.map { try PromptContract(canonicalJSON: $0.adapter.promptContract) }
      ?? base.contract
    var all = messages
    if let system = options.system { all.insert(Message(role: "system", content: system), at: 0) }
    var request = GenerateRequest(
      prompt: try base.encoder(contract).prompt(all), adapter: pinned)
    request.maximumTokens = options.maximumTokens
    request.sampler = options.sampler
    request.stopTexts = options.stopTexts
    request.stopTokens = Set(contract.stops.map(\.token))
    return request
  }

  /// The version that `reference` names; nil for `base`.
  func version(_ reference: String) throws -> VersionRecord? {
    reference == Workspace.baseReference ? nil : try registry.version(reference)
  }

  /// The base and the version that `reference` names.
  func open(_ reference: String, base name: String?) throws -> (LoadedBase, VersionRecord?) {
    let version = try version(reference)
    return (try commonBase([(reference, version)], name: name), version)
  }

  private func commonBase(
    _ resolved: [(reference: String, version: VersionRecord?)], name: String?
  ) throws -> LoadedBase {
    let versions = resolved.compactMap(\.version)
    guard let first = versions.first else { return try openBase(name) }
    let record = try registry.base(first.base)
    for version in versions where version.base != first.base {
      throw WorkspaceError(
        .badRequest,
        "\(first.reference) is on base '\(first.baseName)' and \(version.reference) on "
          + "'\(version.baseName)'; one call serves adapters of one base")
    }
    if let name, name != record.facts.name {
      throw WorkspaceError(
        .badRequest,
        "\(first.reference) was trained on base '\(record.facts.name)', not on '\(name)'")
    }
    return try openBase(record, weights: servingWeights)
  }

  /// The version's adapter in memory, loaded from the registry and checked if it was not.
  /// - Parameter pool: Where it is held; by default the base's own.
  public func pin(
    _ version: VersionRecord, on base: LoadedBase, in pool: AdapterPool? = nil
  ) throws -> PinnedAdapter {
    try (pool ?? base.adapters).pin(version.digest) {
      // Packed while the bytes are checked.
      try registry.adapter(version, on: base) { ResidentAdapter($0, for: base.model) }
    }
  }

  /// The adapter that a version's record and its weights make.
  /// - Parameter knownDigest: Its digest where the bytes have been checked; else it is computed.
  static func adapter(
    _ version: VersionRecord, weights: Bytes, on base: LoadedBase, knownDigest: Digest? = nil
  ) throws -> Adapter {
    try Adapter.read(
      weights: weights,
      configuration: try LoRAConfiguration(file: Array(version.configuration.utf8)),
      baseFingerprint: version.base, promptContract: Data(version.promptContract.utf8),
      slots: base.model.slots, knownDigest: knownDigest)
  }
}

extension Registry {
  /// What `make` makes of the version's adapter as its file has it, whose bytes are checked meanwhile.
  func adapter<T>(
    _ version: VersionRecord, on base: LoadedBase, making make: (Adapter) -> T
  ) throws -> T {
    let pausing: @Sendable () -> Void = { [gate = WorkGate.current] in gate?.wait() }
    return try blob(version.weights, pausing: pausing) { blob in
      let weights = unsafe Bytes(blob.bytes, of: blob)
      return make(
        try Workspace.adapter(version, weights: weights, on: base, knownDigest: version.digest))
    }
  }
}
