public import Digests
import Foundation

extension Registry {
  /// Adds a base.
  ///
  /// A base of the same fingerprint and name is the same base: where it lies and its size and times are refreshed.
  /// The same fingerprint under another name, or the same name for another base, is refused; and so is an adapter's name.
  @discardableResult
  public func addBase(_ base: NewBase) throws -> BaseRecord {
    let name = try Reference.checkedName(base.name)
    return try write { database in
      let known = try database.first(
        "SELECT \(BaseRecord.columns) FROM bases WHERE fingerprint = ? OR name = ? LIMIT 1",
        [SQLValue(base.fingerprint), .text(name)], BaseRecord.init)
      if let known, known.fingerprint != base.fingerprint {
        throw RegistryError(
          .exists,
          "another base is called '\(name)' (\(known.fingerprint.short), \(known.path)); "
            + "choose another name or remove it first")
      }
      if let known, known.name != name {
        throw RegistryError(
          .exists, "this base is in the registry already, as '\(known.name)'; use that name")
      }
      let place: [SQLValue] = [
        .text(base.path), .text(base.format), SQLValue(base.size), SQLValue(base.modified),
        .text(base.architecture), SQLValue(base.parameterCount), .text(base.configuration),
        SQLValue(base.tokenizerDigest), SQLValue(base.templateDigest),
      ]
      if known != nil {
        try database.run(
          """
          UPDATE bases SET path = ?, format = ?, size = ?, modified = ?, architecture = ?,
            parameter_count = ?, configuration = ?, tokenizer_digest = ?, template_digest = ?
          WHERE fingerprint = ?
          """, place + [SQLValue(base.fingerprint)])
      } else {
        try checkFree(name, in: database)
        try database.run(
          """
          INSERT INTO bases (path, format, size, modified, architecture, parameter_count,
            configuration, tokenizer_digest, template_digest, fingerprint, name, added)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """, place + [SQLValue(base.fingerprint), .text(name), SQLValue(now())])
        try audit("base-add", name, base.fingerprint.hex, in: database)
      }
      return try self.base(base.fingerprint, in: database)
    }
  }

  /// All bases, by name.
  public func bases() throws -> [BaseRecord] {
    try read { database in
      try database.all("SELECT \(BaseRecord.columns) FROM bases ORDER BY name", [], BaseRecord.init)
    }
  }

  /// The base called `name`, or whose fingerprint starts with it (8 digits or more).
  public func base(_ name: String) throws -> BaseRecord {
    try read { database in try base(named: name, in: database) }
  }

  /// The base of this fingerprint.
  public func base(_ fingerprint: Digest) throws -> BaseRecord {
    try read { database in try base(fingerprint, in: database) }
  }

  /// Removes the base called `name` (or of that fingerprint), unless a version depends on it.
  public func removeBase(_ name: String) throws {
    try write { database in
      let base = try base(named: name, in: database)
      let dependents = try database.integer(
        "SELECT count(*) FROM versions WHERE base_fingerprint = ?", [SQLValue(base.fingerprint)])
      guard dependents == 0 else {
        throw RegistryError(
          .protected,
          "\(counted(dependents, "version")) fit only base '\(base.name)'; remove them first")
      }
      let answers = try database.all(
        "SELECT answers_id FROM evaluations WHERE base_fingerprint = ? AND answers_id IS NOT NULL",
        [SQLValue(base.fingerprint)]
      ) { try $0.integer() }
      try database.run("DELETE FROM bases WHERE fingerprint = ?", [SQLValue(base.fingerprint)])
      try dropOrphans(answers, in: database)
      try audit("base-remove", base.name, base.fingerprint.hex, in: database)
    }
  }

  func base(_ fingerprint: Digest, in database: Database) throws -> BaseRecord {
    let found = try database.first(
      "SELECT \(BaseRecord.columns) FROM bases WHERE fingerprint = ?", [SQLValue(fingerprint)],
      BaseRecord.init)
    guard let found else {
      throw RegistryError(
        .notFound, "no base of fingerprint \(fingerprint.short) in the registry; add it first")
    }
    return found
  }

  private func base(named name: String, in database: Database) throws -> BaseRecord {
    let named = try database.first(
      "SELECT \(BaseRecord.columns) FROM bases WHERE name = ?", [.text(name)], BaseRecord.init)
    if let named { return named }
    if (8...64).contains(name.utf8.count),
      name.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    {
      // Digits sort below "g", so this is a range of the index.
      let found = try database.all(
        "SELECT \(BaseRecord.columns) FROM bases WHERE fingerprint >= ? AND fingerprint < ? LIMIT 2",
        [.text(name), .text(name + "g")], BaseRecord.init)
      if found.count == 1 { return found[0] }
      if found.count == 2 {
        throw RegistryError(
          .badArgument, "several bases have a fingerprint that starts with '\(name)'; write more")
      }
    }
    let names = try database.all("SELECT name FROM bases ORDER BY name") { try $0.text() }
    let near = didYouMean(name, among: names)
    throw RegistryError(
      .notFound, "no base '\(abridged(name))'" + (near.isEmpty ? told(names) : near))
  }

  /// The first few of the bases there are.
  private func told(_ names: [String]) -> String {
    guard !names.isEmpty else {
      return
        "; the registry has no base yet: 'lorikeet base add' takes one in, 'lorikeet base pull' fetches one"
    }
    let first = names.prefix(3).map { "'\(abridged($0))'" }.joined(separator: ", ")
    return "; there \(names.count == 1 ? "is" : "are") \(first)"
      + (names.count > 3 ? " and \(names.count - 3) more" : "")
  }
}

/// `"1 version"`, `"2 versions"`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
