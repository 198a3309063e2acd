import Adapters
public import Digests
import Foundation
import Models
public import Registry
import Serving
import Synchronization
import Tensors
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
  ///
  /// Where an alias, or a bare name, has moved to a version that is not in memory yet, the one before answers until it
  /// is; and for good where the new one cannot be loaded.
  /// - Throws: `RegistryError` where nothing has that name, with the nearest; `WorkspaceError` where it is on another base.
  public func model(_ text: String) throws -> ServedModel {
    let own = base.record.facts.name
    if text == own || text == Workspace.baseReference { return model(nil) }
    let reference: Reference
    do { reference = try self.reference(text) } catch let error as RegistryError
      where error.code == .badArgument
    {
      // Capitals, say.
      let names = try place.read { try $0.adapterNames() }
      throw RegistryError(.badArgument, error.message + didYouMean(text, among: names + [own]))
    }
    do {
      return model(try settled(reference, place.read { try $0.version(reference) }))
    } catch let error as RegistryError where error.code == .notFound && editDistance(text, own) <= 2
    {
      throw RegistryError(.notFound, "no model '\(text)'; did you mean the base '\(own)'?")
    }
  }

  /// What `text`, a request's `model`, names.
  /// - Throws: `RegistryError` where it can name nothing.
  public func reference(_ text: String) throws -> Reference {
    let own = base.record.facts.name
    if text == own { return .base }
    for prefix in [own + ":", Workspace.baseReference + ":"] where text.hasPrefix(prefix) {
      return try Reference(String(text.dropFirst(prefix.count)))
    }
    return try Reference(text)
  }

  /// The version that answers for `reference`, which names `version` now.
  private func settled(_ reference: Reference, _ version: VersionRecord) throws -> VersionRecord {
    let residents = loop.adapters.residents
    let problem = problem(with: version)
    if case .adapter(_, .version) = reference {
      if let problem { throw problem }
      return version
    }
    if residents[version.digest] != nil {
      moves.withLock { $0.settle(reference, version) }
      return version
    }
    // In memory still, and so fit to answer.
    let before = moves.withLock { $0.settled[reference] }.flatMap { before in
      residents[before.digest] == nil ? nil : before
    }
    guard let before else {
      if let problem { throw problem }
      // Counts once it is in memory, where this request brings it.
      moves.withLock { $0.settle(reference, version) }
      return version
    }
    if problem == nil { bring(version) }
    return before
  }

  /// Why a version cannot answer here; nil where it can, as far as is known.
  func problem(with version: VersionRecord) -> (any Error)? {
    if version.base == base.record.facts.fingerprint {
      return moves.withLock { $0.unfit[version.digest] }
    }
    return WorkspaceError(
      .badRequest,
      "\(version.reference) is on base '\(version.baseName)'; this server serves "
        + "'\(base.record.facts.name)'")
  }

  /// Loads a version in the background; remembers where it cannot be. One that found no room is left alone until there is some.
  func bring(_ version: VersionRecord) {
    let room = loop.adapters.budget.available
    let isDue = moves.withLock { moves in
      moves.cramped[version.digest] ?? 0 <= room && moves.coming.insert(version.digest).inserted
    }
    guard isDue else { return }
    loop.warm(source(version)) { [weak self] error in
      self?.moves.withLock { _ = $0.coming.remove(version.digest) }
      if let error { self?.refuse(version, error) }
    }
  }

  /// Remembers that a version cannot be loaded, until the registry changes; not what may be over at the next try.
  func refuse(_ version: VersionRecord, _ error: any Error) {
    let refusal: ServingError
    switch error {
    case is WorkspaceError: return
    case let error as ServingError where error.code == .stopping: return
    case let error as ServingError:
      guard error.code != .noRoom else {
        return moves.withLock { $0.cramped[version.digest] = error.bytes }
      }
      refusal = error
    case let error as RegistryError where error.code != .damaged: return
    default:
      refusal = ServingError(.badAdapter, "\(version.reference) cannot be loaded: \(error)")
    }
    moves.withLock { $0.unfit[version.digest] = refusal }
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
    AdapterSource(digest: version.digest) { [base, place, weak self] in
      do {
        return try place.load { registry in
          try registry.adapter(version, on: base) { ResidentAdapter($0, for: base.model) }
        }
      } catch {
        self?.refuse(version, error)
        throw error
      }
    }
  }

  /// How `model` is spoken to.
  func contract(of model: ServedModel) throws -> PromptContract {
    guard let version = model.version else { return base.contract }
    return try PromptContract(canonicalJSON: Data(version.promptContract.utf8))
  }
}

/// Which versions answer for names that move.
struct Moves {
  /// The version that was last in memory for a name.
  private(set) var settled: [Reference: VersionRecord] = [:]
  /// Versions that are being loaded.
  var coming: Set<Digest> = []
  /// Whether the last look at the registry waits for some of these.
  var isUnsettled = false
  /// The bytes that versions need which found no room.
  var cramped: [Digest: Int] = [:]
  /// Versions that cannot be loaded, and why.
  var unfit: [Digest: ServingError] = [:]

  private static let most = 20_000

  mutating func settle(_ reference: Reference, _ version: VersionRecord) {
    if settled[reference]?.digest == version.digest { return }
    if settled.count >= Self.most { settled = [:] }
    settled[reference] = version
  }
}
