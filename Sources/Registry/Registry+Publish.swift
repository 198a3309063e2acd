package import Digests
import Foundation

/// What publishing did.
public struct Publication: Sendable, Hashable {
  /// The version: new, or the one of the same digest that was there.
  public let version: VersionRecord
  /// Whether it is new.
  public let isNew: Bool
}

extension Registry {
  /// Publishes a version in one transaction: weights, version, alias, end of its run.
  ///
  /// Idempotent: where the adapter has a version of the same digest already, that one is the result
  /// (`isNew` is false), nothing is stored twice, and the alias and the run are still served.
  /// - Parameters:
  ///   - version: The facts and weights.
  ///   - alias: An alias to set to it.
  ///   - run: The run that made it, this process's: it becomes `completed` and its checkpoints are dropped.
  @discardableResult
  public func publish(_ version: NewVersion, alias: String? = nil, completing run: Int? = nil)
    throws -> Publication
  {
    let weights = Digest.of(version.weights)
    return try write { database in
      try publish(version, weights: weights, alias: alias, completing: run, in: database)
    }
  }

  /// Publishes `version`, whose weights have the digest `weights`, as a part of a transaction.
  package func publish(
    _ version: NewVersion, weights: Digest, alias: String? = nil, completing run: Int? = nil,
    in database: Database
  ) throws -> Publication {
    let alias = try alias.map { try Reference.checkedAlias($0) }
    guard version.rank >= 0, version.alpha.isFinite else {
      throw RegistryError(
        .badArgument,
        "'\(abridged(version.adapter))': a rank of \(version.rank) and an alpha of "
          + "\(version.alpha) make no adapter")
    }
    let id = try adapterMade(version.adapter, in: database)
    if let run {
      try checkCompletable(run, adapter: id, name: version.adapter, in: database)
    }
    let known = try database.first(
      "SELECT number FROM versions WHERE adapter_id = ? AND digest = ?",
      [SQLValue(id), SQLValue(version.digest)]
    ) { try $0.integer() }
    let number =
      try known ?? insert(version, weights: weights, adapter: id, run: run, in: database)
    if let run { try complete(run, adapter: id, number: number, in: database) }
    if let alias { _ = try move(alias, of: id, version.adapter, to: number, in: database) }
    return Publication(
      version: try self.version(number, of: id, version.adapter, in: database),
      isNew: known == nil)
  }

  /// Inserts the version; its number.
  /// - Parameters:
  ///   - number: The one to have if no version of the adapter has had it or a later one; else it has the next.
  ///   - created: When it was published, where that was elsewhere.
  ///   - action: What the audit calls it.
  func insert(
    _ version: NewVersion, weights: Digest, adapter: Int, run: Int?, number wanted: Int = 0,
    created: Date? = nil, action: String = "publish", in database: Database
  ) throws -> Int {
    _ = try base(version.base, in: database)  // the clear error before the foreign key's
    let blob = try keepBlob(version.weights, weights, in: database)
    let number = try database.integer(
      """
      UPDATE adapters SET next_number = max(next_number, ?) + 1 WHERE id = ?
      RETURNING next_number - 1
      """, [SQLValue(wanted), SQLValue(adapter)])
    try database.run(
      """
      INSERT INTO versions (adapter_id, number, digest, parent_digest, base_fingerprint, method,
        rank, alpha, configuration, prompt_contract, weights_id, size, run_id, created, note)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        SQLValue(adapter), SQLValue(number), SQLValue(version.digest), SQLValue(version.parent),
        SQLValue(version.base), .text(version.method), SQLValue(version.rank),
        .real(version.alpha), .text(version.configuration), .text(version.promptContract),
        SQLValue(blob), SQLValue(version.weights.count), SQLValue(run),
        SQLValue(created ?? now()), SQLValue(version.note),
      ])
    try audit(action, "\(version.adapter)@\(number)", version.digest.hex, in: database)
    return number
  }

  /// Removes the version that `reference` names, unless an alias names it. Its number is not used again.
  @discardableResult
  public func removeVersion(_ reference: String) throws -> VersionRecord {
    try removeVersions([reference])[0]
  }

  /// Removes the versions that `references` name as `removeVersion` does: all of them, or none.
  @discardableResult
  public func removeVersions(_ references: [String]) throws -> [VersionRecord] {
    let parsed = try references.map { try Reference($0) }
    return try write { database in
      // Found before any goes: each names what it named when this was asked for, and two may name one.
      let versions = try parsed.map { try version($0, in: database) }
      for (index, version) in versions.enumerated() where !versions[..<index].contains(version) {
        try remove(version, in: database)
      }
      return versions
    }
  }

  private func remove(_ version: VersionRecord, in database: Database) throws {
    let id = try adapter(version.adapter, in: database)
    let aliases = try database.all(
      "SELECT alias FROM aliases WHERE adapter_id = ? AND number = ? ORDER BY alias",
      [SQLValue(id), SQLValue(version.number)]
    ) { try $0.text() }
    guard aliases.isEmpty else {
      throw RegistryError(
        .protected,
        "\(version.reference) is \(aliases.joined(separator: ", ")); move the alias first, or take it "
          + "away with 'lorikeet alias \(version.adapter) \(aliases[0]) --remove'")
    }
    let key = [SQLValue(id), SQLValue(version.number)]
    let blobs = try database.all(
      """
      SELECT weights_id FROM versions WHERE adapter_id = ?1 AND number = ?2
      UNION SELECT e.answers_id FROM evaluations e JOIN versions v ON v.id = e.version_id
        WHERE v.adapter_id = ?1 AND v.number = ?2 AND e.answers_id IS NOT NULL
      """, key
    ) { try $0.integer() }
    try database.run("DELETE FROM versions WHERE adapter_id = ? AND number = ?", key)
    try dropOrphans(blobs, in: database)
    try audit("remove", version.reference, version.digest.hex, in: database)
  }
}
