import Foundation

extension Registry {
  /// Removes the adapter `name` with all its versions, runs, notes and tags; the audit keeps that it was there.
  ///
  /// Refused while an alias names one of its versions, or a living process trains it.
  /// - Returns: How many versions went.
  @discardableResult
  public func removeAdapter(_ name: String) throws -> Int { try removeAdapters([name])[0] }

  /// Removes the adapters of these names as `removeAdapter` does: all of them, or none.
  /// - Returns: How many versions went of each.
  @discardableResult
  public func removeAdapters(_ names: [String]) throws -> [Int] {
    let names = try names.map { try Reference.checkedName($0) }
    return try write { database in try names.map { try removeAdapter($0, in: database) } }
  }

  private func removeAdapter(_ name: String, in database: Database) throws -> Int {
    let id = try adapter(name, in: database)
    let key = [SQLValue(id)]
    let aliases = try database.all(
      "SELECT alias || ' (version ' || number || ')' FROM aliases WHERE adapter_id = ? ORDER BY alias",
      key
    ) { try $0.text() }
    guard aliases.isEmpty else {
      throw RegistryError(
        .protected,
        "'\(name)' is in use as \(aliases.joined(separator: ", ")); take the alias away first, with "
          + "'lorikeet alias NAME ALIAS --remove'")
    }
    let time = now()
    let runs = try database.all(
      RunRecord.select + "WHERE r.adapter_id = ? AND r.status = 'running'", key
    ) { try RunRecord(&$0, now: time) }
    if let run = runs.first(where: { $0.status == .running }) {
      throw RegistryError(
        .protected, "'\(name)' is being trained by process \(run.owner.process) (run \(run.id))")
    }
    return try drop(id, name, in: database)
  }

  private func drop(_ id: Int, _ name: String, in database: Database) throws -> Int {
    let key = [SQLValue(id)]
    let blobs = try database.all(
      """
      SELECT weights_id FROM versions WHERE adapter_id = ?1
      UNION SELECT e.answers_id FROM evaluations e JOIN versions v ON v.id = e.version_id
        WHERE v.adapter_id = ?1 AND e.answers_id IS NOT NULL
      UNION SELECT c.state_id FROM checkpoints c JOIN runs r ON r.id = c.run_id
        WHERE r.adapter_id = ?1
      """, key
    ) { try $0.integer() }
    let versions = try database.all(
      "SELECT number, digest FROM versions WHERE adapter_id = ? ORDER BY number", key
    ) { (try $0.integer(), try $0.text()) }
    for (number, digest) in versions {
      try audit("remove", "\(name)@\(number)", digest, in: database)
    }
    // Versions and runs name each other: first the runs let go.
    try database.run("UPDATE runs SET version_id = NULL WHERE adapter_id = ?", key)
    try database.run("DELETE FROM versions WHERE adapter_id = ?", key)
    try database.run("DELETE FROM runs WHERE adapter_id = ?", key)
    // The stack of an alias's moves, from its top down: each names the one below it.
    try database.run("DELETE FROM alias_moves WHERE adapter_id = ?", key)
    try database.run("DELETE FROM adapters WHERE id = ?", key)
    try dropOrphans(blobs, in: database)
    try audit("remove", name, "\(versions.count) versions", in: database)
    return versions.count
  }
}
