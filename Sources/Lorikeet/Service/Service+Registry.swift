import Adapters
import Digests
public import Registry
import Serving

extension Service {
  /// Reads from the registry.
  public func read<T>(_ body: (Registry) throws -> T) throws -> T { try place.use(body) }

  /// Changes the registry, as `actor`, and takes the change in at once.
  public func change<T>(as actor: String, _ body: (Registry) throws -> T) throws -> T {
    let result = try place.use { registry in try registry.acting(as: actor) { try body(registry) } }
    refresh()
    return result
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
  func refresh() {
    let residents = loop.adapters.residents
    guard !residents.isEmpty else { return }
    guard let current = try? place.use({ try Self.current(residents.keys, in: $0) }) else { return }
    loop.adapters.retire(keeping: Set(current.map(\.digest)))
    for version in current
    where residents[version.digest] == nil && version.base == base.record.facts.fingerprint {
      loop.warm(source(version))
    }
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
