import Digests
import Foundation

/// What taking in a bundle did.
public struct BundleImport: Sendable, Hashable {
  /// A version of the bundle, as it is here.
  public struct Item: Sendable, Hashable {
    /// The version here: new, or the one of the same digest that was there.
    public let version: VersionRecord
    /// Whether it is new.
    public let isNew: Bool
    /// Its number in the bundle.
    public let bundledNumber: Int
  }

  /// The adapter's name here.
  public let adapter: String
  /// The versions, oldest first.
  public let versions: [Item]
  /// How many evaluations were added.
  public let evaluations: Int
  /// Where the bundle's aliases point, by the numbers here; none of them has been set or moved.
  public let aliases: [AliasRecord]
}

extension Registry {
  /// Takes in the bundle `file`: its versions with everything that belongs to them, in one transaction.
  ///
  /// A version whose digest the adapter has already is that version; it gains the evaluations that it does not have. A
  /// new one keeps its number where that is free, else it has the next. Aliases are told, not moved.
  /// - Parameters:
  ///   - name: What to call the adapter; nil keeps its name.
  ///   - checking: Given each new version and its weights before anything is written; throws where they do not have the
  ///     version's digest.
  /// - Throws: `RegistryError` where the bundle is not sound, or a base of it is not registered; nothing is changed then.
  public func importBundle(
    _ file: String, name: String? = nil,
    checking: (VersionRecord, [UInt8]) throws -> Void
  ) throws -> BundleImport {
    let name = try name.map { try Reference.checkedName($0) }
    return try AdapterBundle(file, calledBy: file).reading { bundle in
      let contents = try bundle.telling { try self.contents(of: bundle.database) }
      let name = name ?? contents.adapter
      try checkBases(of: contents, from: file)
      let known = try digests(of: name)
      var checked: Set<Digest> = []
      for version in contents.versions.map(\.record) where !known.contains(version.digest) {
        try checking(version, bundle.blob(version.weights))
        checked.insert(version.digest)
      }
      return try write { database in
        try take(contents, of: bundle, as: name, checked: checked, in: database)
      }
    }
  }

  /// Refuses a bundle with a version whose base is not here.
  private func checkBases(of contents: BundleContents, from file: String) throws {
    let known = Set(try bases().map(\.facts.fingerprint))
    guard let lacking = contents.versions.map(\.record).first(where: { !known.contains($0.base) })
    else { return }
    throw RegistryError(
      .notFound,
      "'\(file)' needs the base '\(abridged(lacking.baseName))' (fingerprint \(lacking.base.short)), "
        + "which is not in the registry; add it with 'lorikeet base add PATH'")
  }

  private func digests(of name: String) throws -> Set<Digest> {
    try read { database in
      Set(
        try database.all(
          "SELECT v.digest FROM versions v JOIN adapters a ON a.id = v.adapter_id WHERE a.name = ?",
          [.text(name)]
        ) { try $0.digest() })
    }
  }

  private func take(
    _ contents: BundleContents, of bundle: AdapterBundle, as name: String, checked: Set<Digest>,
    in database: Database
  ) throws -> BundleImport {
    let id = try adapterMade(name, in: database)
    var here: [Int: Int] = [:]
    var items: [BundleImport.Item] = []
    var evaluations = 0
    for version in contents.versions {
      let known = try database.first(
        "SELECT number FROM versions WHERE adapter_id = ? AND digest = ?",
        [SQLValue(id), SQLValue(version.record.digest)]
      ) { try $0.integer() }
      guard known != nil || checked.contains(version.record.digest) else {
        throw RegistryError(.busy, "'\(name)' was changed by another process; try again")
      }
      let number = try known ?? add(version, of: bundle, to: id, name, in: database)
      here[version.record.number] = number
      evaluations += try add(
        version.evaluations, of: bundle, toVersion: number, of: id, in: database)
      items.append(
        .init(
          version: try self.version(number, of: id, name, in: database), isNew: known == nil,
          bundledNumber: version.record.number))
    }
    let labels = try addLabels(of: contents, to: id, name, numbers: here, in: database)
    let new = items.filter(\.isNew).count
    if new + evaluations + labels > 0 {
      try audit(
        "import", name,
        "'\(contents.adapter)': \(counted(new, "version")), \(counted(evaluations, "evaluation")), "
          + "\(labels) tags and notes", in: database)
    }
    return BundleImport(
      adapter: name, versions: items, evaluations: evaluations,
      aliases: contents.aliases.compactMap { alias in
        here[alias.version].map {
          AliasRecord(adapter: name, alias: alias.alias, version: $0)
        }
      })
  }
}
