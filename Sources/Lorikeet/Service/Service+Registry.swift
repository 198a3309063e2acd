import Adapters
import Digests
public import Registry
import Serving
import Synchronization

extension Service {
  /// Reads from the registry.
  public func read<T>(_ body: (Registry) throws -> T) throws -> T { try place.read(body) }

  /// Changes the registry, as `author`, and takes the change in at once.
  public func change<T>(as author: Author, _ body: (Registry) throws -> T) throws -> T {
    let result = try place.write { registry in
      try registry.acting(as: author) { try body(registry) }
    }
    refresh()
    return result
  }

  /// Points `alias` at the version that `reference` names, once it has been seen that it can be served here.
  ///
  /// It is in memory then, where there is room, and answers from the return on.
  /// - Throws: `WorkspaceError` where it cannot be served, and then nothing has moved.
  public func setAlias(_ alias: String, to reference: String, as author: Author) throws
    -> VersionRecord
  {
    let version = try place.read { try $0.version(reference) }
    let adapter = try servable(version)
    defer { withExtendedLifetime(adapter) {} }
    _ = try change(as: author) { try $0.setAlias(alias, to: version.reference) }
    return version
  }

  /// Takes back the last move of an alias, once it has been seen that the version before can be served here.
  ///
  /// It is in memory then, where there is room, and answers from the return on.
  /// - Throws: `WorkspaceError` where it cannot be served, and then nothing has moved.
  public func rollback(_ name: String, alias: String, as author: Author) throws -> VersionRecord {
    let version = try place.read { try $0.rollbackTarget(of: name, alias: alias) }
    let adapter = try servable(version)
    defer { withExtendedLifetime(adapter) {} }
    _ = try change(as: author) {
      try $0.rollback(name, alias: alias, expecting: version.number)
    }
    return version
  }

  /// The version's adapter in memory, where it can be served; nil where it can and there is no room at the moment.
  private func servable(_ version: VersionRecord) throws -> PinnedAdapter? {
    do {
      if let problem = problem(with: version) { throw problem }
      _ = try base.encoder(contract(of: model(version)))
      let source = source(version)
      return try loop.adapters.pin(source.digest, load: source.load)
    } catch let error as ServingError where error.code == .noRoom {
      return nil  // It was loaded, and so it is sound.
    } catch {
      refuse(version, error)
      // What may be over at the next try is told as it is.
      guard let problem = problem(with: version) else { throw error }
      throw WorkspaceError(
        .notServable,
        "no alias was moved, for \(version.reference) cannot be served here: \(problem)")
    }
  }

  /// Publishes the adapter that PEFT saved in a directory of the server as a new version of `name`.
  public func importAdapter(directory path: String, name: String, as author: Author) throws
    -> VersionRecord
  {
    _ = try Reference.checkedName(name)
    let adapter = try base.readAdapter(directory: path).adapter
    return try change(as: author) { try $0.publish(adapter, as: name).version }
  }

  /// Takes in what has changed in the registry: adapters that no name leads to any more leave memory when nobody uses
  /// them, and a new version of one in use is brought in before it is asked for.
  /// - Parameter again: Whether nothing has changed since the last time, but what was being loaded has come.
  func refresh(again: Bool = false) {
    moves.withLock { moves in
      moves.isUnsettled = false
      if !again { (moves.unfit, moves.cramped) = ([:], [:]) }
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
