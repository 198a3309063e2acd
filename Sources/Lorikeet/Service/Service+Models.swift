public import Digests
import Foundation
public import Registry
import Serving
import Training

/// What a request's `model` names: the base, or one version of an adapter.
public struct ServedModel: Sendable {
  /// The version; nil for the base.
  public let version: VersionRecord?
  /// `name@version`, or the base's name.
  public let name: String
  /// The version's digest, or the base's fingerprint.
  public let digest: Digest
  /// Identifies what answers: a short digest of the base and the adapter.
  public let fingerprint: String
}

extension Service {
  /// What `text` names now: the base's own name or `base`; `name`, `name@3`, `name:alias`; or one of these after the
  /// base's name and a colon.
  /// - Throws: `RegistryError` where nothing has that name, with the nearest; `WorkspaceError` where it is on another base.
  public func model(_ text: String) throws -> ServedModel {
    let own = base.record.facts.name
    if text == own || text == Workspace.baseReference { return model(nil) }
    var rest = text
    for prefix in [own + ":", Workspace.baseReference + ":"] where rest.hasPrefix(prefix) {
      rest.removeFirst(prefix.count)
      break
    }
    let version: VersionRecord
    do { version = try place.use { try $0.version(rest) } } catch let error as RegistryError
      where error.code == .notFound && editDistance(text, own) <= 2
    {
      throw RegistryError(.notFound, "no model '\(text)'; did you mean the base '\(own)'?")
    }
    guard version.base == base.record.facts.fingerprint else {
      throw WorkspaceError(
        .badRequest,
        "\(version.reference) is on base '\(version.baseName)'; this server serves '\(own)'")
    }
    return model(version)
  }

  func model(_ version: VersionRecord?) -> ServedModel {
    let fingerprint = base.record.facts.fingerprint
    return ServedModel(
      version: version, name: version?.reference ?? base.record.facts.name,
      digest: version?.digest ?? fingerprint,
      fingerprint: "fp_\(fingerprint.short)\(version.map { "_" + $0.digest.short } ?? "")")
  }

  /// How the registry brings a version into memory.
  func source(_ version: VersionRecord) -> AdapterSource {
    AdapterSource(digest: version.digest) { [base, place] in
      try Workspace.adapter(
        version, weights: try place.use { try $0.blob(version.weights) }, on: base,
        knownDigest: version.digest)
    }
  }

  /// How `model` is spoken to.
  func contract(of model: ServedModel) throws -> PromptContract {
    guard let version = model.version else { return base.contract }
    return try PromptContract(canonicalJSON: Data(version.promptContract.utf8))
  }
}
