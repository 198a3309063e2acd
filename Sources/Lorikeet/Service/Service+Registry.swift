import Adapters
import Digests
public import Registry
import Serving
import Synchronization

extension Service {
  /// Reads from the registry.
  public func read<T>(_ body: (Registry) throws -> T) throws -> T { try place.read(body) }

  /// Changes the registry, as `actor`, and takes the change in at once.
  public func change<T>(as actor: String, _ body: (Registry) throws -> T) throws -> T {
    let result = try place.write { registry in try registry.acting(as: actor) { try body(registry) }
    }
    refresh()
    return result
  }

  /// Points `alias` at the version that `reference` names, once that is in memory: from the return on it answers.
  /// - Throws: Where it cannot be loaded, and then nothing has moved.
  public func setAlias(_ alias: String, to reference: String, as actor: String) throws
    -> VersionRecord
  {
    let version = try place.read { try $0.version(reference) }
    let pinned = try load(version)
    defer { withExtendedLifetime(pinned) {} }
    _ = try change(as: actor) { try $0.setAlias(alias, to: version.reference) }
    return version
  }

  /// Takes back the last move of an alias; from the return on the version before answers.
  public func rollback(_ name: String, alias: String, as actor: String) throws -> VersionRecord {
    let record = try change(as: actor) { try $0.rollback(name, alias: alias) }
    let version = try place.read { try $0.version("\(name)@\(record.version)") }
    _ = try load(version)
    return version
  }

  /// The version's adapter in memory.
  private func load(_ version: VersionRecord) throws -> PinnedAdapter {
    guard version.base == base.record.facts.fingerprint else {
      throw WorkspaceError(
        .badRequest,
        "\(version.reference) is on base '\(version.baseName)'; this server serves "
          + "'\(base.record.facts.name)'")
    }
    let source = source(version)
    return try loop.adapters.pin(source.digest, load: source.load)
  }

  /// Publishes the adapter that PEFT saved in a directory of the server as a new version of `name`.
  public func importAdapter(directory path: String, name: String, as actor: String) throws
    -> VersionRecord
  {
    _ = try Reference.checkedName(name)
    let adapter = try base.readAdapter(directory: path).adapter
    return try change(as: actor) { try $0.publish(adapter, as: name).version }
  }

  /// Takes in what has changed in the registry: adapters that no name leads to any more leave memory when nobody uses
  /// them, and a new version of one in use is brought in before it is asked for.
  /// - Parameter again: Whether nothing has changed since the last time, but what was being loaded has come.
  func refresh(again: Bool = false) {
    moves.withLock { moves in
      moves.isUnsettled = false
      if !again { moves.unfit = [:] }
    }
    let residents = loop.adapters.residents
    guard !residents.isEmpty else { return }
    guard let current = try? place.read({ try Self.current(residents.keys, in: $0) }) else {
      return
    }
    let missing = current.filter { residents[$0.digest] == nil }
    let settled = moves.withLock { $0.settled.values }
    let coming = missing.filter { problem(with: $0) == nil }
    for version in coming { bring(version) }
    guard coming.isEmpty else {
      // Those that others are to take over from answer until then.
      return moves.withLock { $0.isUnsettled = true }
    }
    // And where the new one is unfit, or for another base, for longer.
    let stuck = Set(missing.map(\.adapter))
    let kept = current + settled.filter { stuck.contains($0.adapter) }
    loop.adapters.retire(keeping: Set(kept.map(\.digest)))
  }

  /// The versions that the names of these adapters lead to: by an alias, or by the bare name.
  private static func current(_ digests: some Sequence<Digest>, in registry: Registry) throws
    -> [VersionRecord]
  {
    var names: Set<String> = []
    for digest in digests {
      for version in try registry.versions(digest: digest.hex) { names.insert(version.adapter) }
    }
    return try names.sorted().flatMap { name in
      let aliases = try registry.aliases(of: name).map { "\(name)@\($0.version)" }
      return try Set(aliases + [registry.version(name).reference]).sorted()
        .map { try registry.version($0) }
    }
  }
}
