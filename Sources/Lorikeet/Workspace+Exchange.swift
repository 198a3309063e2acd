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
  /// Whether the directory brought a prompt contract or a chat template of its own, unlike the base's.
  public let hasOwnContract: Bool
}

extension Workspace {
  /// Publishes the adapter that PEFT saved in a directory as a new version.
  ///
  /// It is checked against the base first: every tensor has one layer, every selected layer its tensors, all weights are
  /// finite and something is changed. How it was trained is how it is asked: by the `prompt_contract.json` that our
  /// export writes beside it, or else by a trainer's `chat_template.jinja`, or else as the base is.
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
    let base = try openBase(base, weights: .f32)
    let (adapter, hasOwnContract) = try base.readAdapter(directory: path, system: system)
    let coverage = try adapter.coverage(over: (base.model, pool))
    guard !coverage.isWithoutEffect else {
      throw AdapterError(
        .noEffect,
        "'\(path)': the adapter would change nothing: all of its weights are the base's own")
    }
    let published = try registry.publish(adapter, as: name, note: note)
    return ImportOutcome(
      version: published.version, isNew: published.isNew, coverage: coverage,
      hasOwnContract: hasOwnContract)
  }

  /// Writes the version that `reference` names as a directory that PEFT loads.
  /// - Throws: `AdapterError` where the directory holds an adapter already, or cannot be written.
  public func exportAdapter(_ reference: String, directory path: String) throws -> VersionRecord {
    let version = try registry.version(reference)
    let base = try openBase(registry.base(version.base), weights: .f32)
    try PEFT.write(try registry.adapter(version, on: base) { $0 }, directory: path)
    let file = URL(fileURLWithPath: path).appendingPathComponent(contractName)
    do {
      try Data(version.promptContract.utf8).write(to: file, options: .atomic)
    } catch {
      throw WorkspaceError(.cannotWrite, "cannot write '\(file.path)': check the disk")
    }
    return version
  }
}

extension Registry {
  /// Publishes `adapter`, which is not of a run of ours, as a new version of `name`.
  func publish(_ adapter: Adapter, as name: String, note: String? = nil) throws -> Publication {
    let configuration = adapter.configuration
    return try publish(
      NewVersion(
        adapter: name, digest: adapter.digest, base: adapter.baseFingerprint,
        method: configuration.usesRSLoRA ? "rslora" : "lora",
        rank: adapter.deltas.values.map(\.rank).max() ?? configuration.rank,
        alpha: configuration.alpha,
        configuration: String(decoding: configuration.file, as: UTF8.self),
        promptContract: String(decoding: adapter.promptContract, as: UTF8.self),
        weights: try adapter.weightsFile(), note: note))
  }
}

extension LoadedBase {
  /// The adapter that PEFT saved in a directory, checked against this base.
  /// - Parameter system: What the system is always told first; nil leaves that to each conversation.
  /// - Returns: The adapter, and whether the directory says itself how it is spoken to.
  func readAdapter(directory path: String, system: String? = nil) throws -> (
    adapter: Adapter, hasOwnContract: Bool
  ) {
    var contract = try contract(in: path)
    if let system { contract.system = system }
    let adapter = try PEFT.read(
      directory: path, baseFingerprint: record.facts.fingerprint,
      promptContract: contract.canonicalJSON, slots: model.slots)
    return (adapter, contract != self.contract)
  }

  /// How the adapter in `folder` is spoken to.
  private func contract(in folder: String) throws -> PromptContract {
    if let text = try LoadedBase.text(of: contractName, in: folder) {
      do {
        let contract = try PromptContract(canonicalJSON: Data(text.utf8))
        try contract.check(tokenizer: self.contract.tokenizer)
        return contract
      } catch {
        throw WorkspaceError(.badRequest, "'\(folder)/\(contractName)': \(error.message)")
      }
    }
    var contract = contract
    contract.system = nil
    guard let template = try LoadedBase.text(of: "chat_template.jinja", in: folder) else {
      return contract
    }
    do { _ = try ChatTemplate(template) } catch {
      throw WorkspaceError(.badRequest, "'\(folder)/chat_template.jinja': \(error.message)")
    }
    contract.chatTemplate = template
    contract.style = .chat
    return contract
  }

  /// The text of a small file in `folder`; nil where there is none.
  private static func text(of name: String, in folder: String) throws -> String? {
    let file = URL(fileURLWithPath: folder).appendingPathComponent(name).path
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    return String(decoding: try RegularFile.bytes(path: file, limit: largestText), as: UTF8.self)
  }

  /// The longest chat template in use has about 20 KB.
  private static let largestText = 1 << 20
}

/// The prompt contract beside an exported adapter; PEFT does not look at it.
private let contractName = "prompt_contract.json"
