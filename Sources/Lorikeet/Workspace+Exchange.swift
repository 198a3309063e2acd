public import Adapters
import Foundation
import Models
public import Registry
import Tensors
import Tokenizers
import Training

/// What an import did.
public struct ImportOutcome: Sendable {
  /// The version: new, or the one of the same digest that was there.
  public let version: VersionRecord
  /// Whether it is new.
  public let isNew: Bool
  /// Where each tensor went, and how large each update is.
  public let coverage: CoverageReport
  /// Whether the directory brought a chat template of its own, unlike the base's.
  public let hasOwnTemplate: Bool
}

extension Workspace {
  /// Publishes the adapter that PEFT saved in a directory as a new version.
  ///
  /// It is checked against the base first: every tensor has one layer, every selected layer its tensors, all weights are
  /// finite and something is changed. A `chat_template.jinja` beside it is how it was trained, so it is how it is asked.
  /// - Parameters:
  ///   - path: The directory with `adapter_config.json` and `adapter_model.safetensors`.
  ///   - name: The adapter's name here.
  ///   - base: The base's name; nil where the registry has just one.
  ///   - system: What the system is always told first; nil leaves that to each conversation.
  ///   - note: A word about it.
  /// - Throws: `AdapterError` where it does not fit the base or asks for what is not built.
  public func importAdapter(
    directory path: String, name: String, base: String? = nil, system: String? = nil,
    note: String? = nil
  ) throws -> ImportOutcome {
    _ = try Reference.checkedName(name)
    let base = try openBase(base)
    var contract = base.contract
    contract.system = system
    let template = try Workspace.ownTemplate(in: path)
    if let template {
      contract.chatTemplate = template
      contract.style = .chat
    }
    let adapter = try PEFT.read(
      directory: path, baseFingerprint: base.record.facts.fingerprint,
      promptContract: contract.canonicalJSON, slots: base.model.slots)
    let configuration = adapter.configuration
    let published = try registry.publish(
      NewVersion(
        adapter: name, digest: adapter.digest, base: adapter.baseFingerprint,
        method: configuration.usesRSLoRA ? "rslora" : "lora",
        rank: adapter.deltas.values.map(\.rank).max() ?? configuration.rank,
        alpha: configuration.alpha,
        configuration: String(decoding: configuration.file, as: UTF8.self),
        promptContract: String(decoding: adapter.promptContract, as: UTF8.self),
        weights: adapter.weightsFile(), note: note))
    return ImportOutcome(
      version: published.version, isNew: published.isNew, coverage: try adapter.coverage(),
      hasOwnTemplate: template != nil && template != base.contract.chatTemplate)
  }

  /// Writes the version that `reference` names as a directory that PEFT loads.
  /// - Throws: `AdapterError` where the directory holds an adapter already, or cannot be written.
  public func exportAdapter(_ reference: String, directory path: String) throws -> VersionRecord {
    let version = try registry.version(reference)
    let base = try openBase(registry.base(version.base))
    try PEFT.write(try pin(version, on: base).adapter, directory: path)
    return version
  }

  /// The chat template that trainers save beside an adapter, checked; nil where there is none.
  private static func ownTemplate(in folder: String) throws -> String? {
    let file = URL(fileURLWithPath: folder).appendingPathComponent("chat_template.jinja").path
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    let bytes = try MappedFile(path: file).bytes
    guard bytes.count <= largestTemplate else {
      throw WorkspaceError(
        .badRequest,
        "'\(file)' has \(bytes.count) bytes, more than the \(largestTemplate) that a template may have"
      )
    }
    let text = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    do { _ = try ChatTemplate(text) } catch {
      throw WorkspaceError(.badRequest, "'\(file)': \(error.message)")
    }
    return text
  }

  /// The longest template in use has about 20 KB.
  private static let largestTemplate = 1 << 20
}
