import Foundation

extension Registry {
  /// The version that `reference` (`name`, `name@VERSION`, `name:ALIAS`) names now.
  ///
  /// A bare name means the alias `production` where it is set, else the newest version; `latest` always the newest.
  public func version(_ reference: String) throws -> VersionRecord {
    try version(Reference(reference))
  }

  /// The version that `reference` names now.
  public func version(_ reference: Reference) throws -> VersionRecord {
    try snapshot { database in try version(reference, in: database) }
  }

  /// The versions whose digest is or starts with `digest` (8 hexadecimal digits or more); one digest may have several names.
  public func versions(digest: String) throws -> [VersionRecord] {
    guard (8...64).contains(digest.utf8.count) else { return [] }
    return try read { database in
      try database.all(
        VersionRecord.select
          + "WHERE v.digest >= ? AND v.digest < ? ORDER BY v.created, v.id LIMIT 100",
        [.text(digest), .text(digest + "g")], VersionRecord.init)
    }
  }

  /// All versions of the adapter `name`, newest first.
  public func versions(of name: String) throws -> [VersionRecord] {
    try snapshot { database in
      let id = try adapter(name, in: database)
      return try database.all(
        VersionRecord.select + "WHERE v.adapter_id = ? ORDER BY v.number DESC", [SQLValue(id)],
        VersionRecord.init)
    }
  }

  func version(_ reference: Reference, in database: Database) throws -> VersionRecord {
    guard case .adapter(let name, let selector) = reference else {
      throw RegistryError(.badArgument, "'base' is the base without an adapter; name an adapter")
    }
    let id = try adapter(name, in: database)
    switch selector {
    case .version(let number):
      return try version(number, of: id, name, in: database)
    case .alias(let alias):
      guard let number = try aliasTarget(alias, of: id, in: database) else {
        throw try noAlias(alias, of: id, name, in: database)
      }
      return try version(number, of: id, name, in: database)
    case .preferred:
      if let number = try aliasTarget(Reference.production, of: id, in: database) {
        return try version(number, of: id, name, in: database)
      }
      return try newest(of: id, name, in: database)
    case .latest:
      return try newest(of: id, name, in: database)
    }
  }

  /// The adapters' names, and nothing else of them, to look for one like it.
  public func adapterNames() throws -> [String] { try read { try adapterNames(in: $0) } }

  private func adapterNames(in database: Database) throws -> [String] {
    try database.all("SELECT name FROM adapters") { try $0.text() }
  }

  /// The row of the adapter `name`.
  func adapter(_ name: String, in database: Database) throws -> Int {
    let id = try database.first("SELECT id FROM adapters WHERE name = ?", [.text(name)]) {
      try $0.integer()
    }
    if let id { return id }
    let names = try adapterNames(in: database)
    let hint =
      names.isEmpty
      ? "; the registry has no adapter yet: train or import one" : didYouMean(name, among: names)
    throw RegistryError(.notFound, "no adapter '\(abridged(name))'" + hint)
  }

  /// The row of the adapter `name`, made where absent.
  func adapterMade(_ name: String, in database: Database) throws -> Int {
    let checked = try Reference.checkedName(name)
    let known = try database.first("SELECT id FROM adapters WHERE name = ?", [.text(checked)]) {
      try $0.integer()
    }
    if let known { return known }
    try checkFree(checked, in: database)
    try database.run(
      "INSERT INTO adapters (name, created) VALUES (?, ?)", [.text(checked), SQLValue(now())])
    return database.lastInserted
  }

  /// Refuses a new adapter's or base's name that another adapter or base has: a request names either by the name alone.
  func checkFree(_ name: String, in database: Database) throws {
    for (table, kind) in [("adapters", "an adapter"), ("bases", "a base")] {
      let taken = try database.integer(
        "SELECT count(*) FROM \(table) WHERE name = ?", [.text(name)])
      guard taken == 0 else {
        throw RegistryError(
          .exists, "there is \(kind) '\(name)' already; choose another name or remove it first")
      }
    }
  }

  func aliasTarget(_ alias: String, of id: Int, in database: Database) throws -> Int? {
    try database.first(
      "SELECT number FROM aliases WHERE adapter_id = ? AND alias = ?",
      [SQLValue(id), .text(alias)]
    ) { try $0.integer() }
  }

  func version(_ number: Int, of id: Int, _ name: String, in database: Database) throws
    -> VersionRecord
  {
    let found = try database.first(
      VersionRecord.select + "WHERE v.adapter_id = ? AND v.number = ?",
      [SQLValue(id), SQLValue(number)], VersionRecord.init)
    if let found { return found }
    let last = try database.integer(
      "SELECT coalesce(max(number), 0) FROM versions WHERE adapter_id = ?", [SQLValue(id)])
    throw RegistryError(
      .notFound,
      last == 0
        ? "adapter '\(name)' has no version yet"
        : "adapter '\(name)' has no version \(number); its newest is \(last)")
  }

  func noAlias(_ alias: String, of id: Int, _ name: String, in database: Database) throws
    -> RegistryError
  {
    let aliases = try database.all(
      "SELECT alias FROM aliases WHERE adapter_id = ? ORDER BY alias", [SQLValue(id)]
    ) { try $0.text() }
    var hint = didYouMean(alias, among: aliases)
    if hint.isEmpty, Int(alias) != nil { hint = "; a version is written '\(name)@\(alias)'" }
    if hint.isEmpty, !aliases.isEmpty { hint = "; it has " + aliases.joined(separator: ", ") }
    return RegistryError(.notFound, "adapter '\(name)' has no alias '\(alias)'" + hint)
  }

  private func newest(of id: Int, _ name: String, in database: Database) throws -> VersionRecord {
    let found = try database.first(
      VersionRecord.select + "WHERE v.adapter_id = ? ORDER BY v.number DESC LIMIT 1",
      [SQLValue(id)], VersionRecord.init)
    if let found { return found }
    throw RegistryError(
      .notFound, "adapter '\(name)' has no version yet; train it to the end or import one")
  }
}
