import Foundation

extension Registry {
  /// Points `alias` of the adapter in `reference` at the version that it names; where it points then.
  ///
  /// One atomic move with a line in the history. Setting it where it points already changes nothing.
  @discardableResult
  public func setAlias(_ alias: String, to reference: String) throws -> AliasRecord {
    let alias = try Reference.checkedAlias(alias)
    let parsed = try Reference(reference)
    return try write { database in
      let version = try version(parsed, in: database)
      let id = try adapter(version.adapter, in: database)
      return try move(alias, of: id, version.adapter, to: version.number, in: database)
    }
  }

  /// Points `alias` of the adapter `name` at the version `number` for the reason `detail`, if it still names `expected`.
  ///
  /// What was found out about `expected` and the move are one fact: where another process has moved the alias since,
  /// nothing is changed.
  /// - Parameter expected: The version that it should name now; nil where it should not be set.
  @discardableResult
  public func promote(
    _ name: String, to number: Int, alias: String, expecting expected: Int?, because detail: String
  ) throws -> AliasRecord {
    let alias = try Reference.checkedAlias(alias)
    return try write { database in
      let id = try adapter(name, in: database)
      let version = try version(number, of: id, name, in: database)
      let now = try aliasTarget(alias, of: id, in: database)
      guard now == expected else {
        throw RegistryError(
          .moved,
          "'\(name):\(alias)' names \(now.map { "version \($0)" } ?? "nothing") now, not "
            + "\(expected.map { "version \($0)" } ?? "nothing") as when this began; try again")
      }
      let record = try move(alias, of: id, name, to: version.number, in: database)
      try audit("promote", "\(name):\(alias)", "\(version.reference): \(detail)", in: database)
      return record
    }
  }

  /// Writes down that a promotion of `reference` to `alias` was refused, and why.
  public func refusePromotion(of reference: String, alias: String, because detail: String) throws {
    let alias = try Reference.checkedAlias(alias)
    let parsed = try Reference(reference)
    try write { database in
      let version = try version(parsed, in: database)
      try audit(
        "promote-refused", "\(version.adapter):\(alias)", "\(version.reference): \(detail)",
        in: database)
    }
  }

  /// Moves `alias` of the adapter `name` back to the version that it named before.
  ///
  /// The history is a stack: setting an alias puts a version on top, a rollback takes the top off. So a second rollback
  /// goes one further back, and after a rollback and a new `set` the next rollback returns to where that `set` left from,
  /// not to what was rolled away. Versions removed since are passed over. With nothing below it is an error, and so it is
  /// past a removal of the alias: that starts the stack anew.
  /// - Parameter expected: Where it should lead, as `rollbackTarget` told; where another process has moved the alias since and
  ///   it leads elsewhere, nothing is changed.
  @discardableResult
  public func rollback(_ name: String, alias: String, expecting expected: Int? = nil) throws
    -> AliasRecord
  {
    let alias = try Reference.checkedAlias(alias)
    let name = try Reference.checkedName(name)
    return try write { database in
      let id = try adapter(name, in: database)
      let (current, back, below) = try stepBack(alias, of: id, name, in: database)
      guard back == expected ?? back else {
        throw RegistryError(
          .moved,
          "'\(name):\(alias)' was moved meanwhile, and would go back to version \(back); try again")
      }
      try record(.rollback, alias, of: id, to: back, from: current, below: below, in: database)
      try audit("rollback", "\(name):\(alias)", "\(current) -> \(back)", in: database)
      return AliasRecord(adapter: name, alias: alias, version: back)
    }
  }

  /// The version that `rollback` would move `alias` of the adapter `name` to.
  public func rollbackTarget(of name: String, alias: String) throws -> VersionRecord {
    let alias = try Reference.checkedAlias(alias)
    let name = try Reference.checkedName(name)
    return try snapshot { database in
      let id = try adapter(name, in: database)
      let back = try stepBack(alias, of: id, name, in: database).back
      return try version(back, of: id, name, in: database)
    }
  }

  /// The version that `alias` names, the one before it, and the move that is on top of the stack after the step.
  private func stepBack(_ alias: String, of id: Int, _ name: String, in database: Database) throws
    -> (current: Int, back: Int, below: Int?)
  {
    guard let (current, top) = try pointer(alias, of: id, in: database) else {
      throw try noAlias(alias, of: id, name, in: database)
    }
    var below = try moved(top, in: database).below
    while let candidate = below {
      let (number, next) = try moved(candidate, in: database)
      // Each points at an older one, so this ends; a file that says otherwise is damaged.
      if let next, next >= candidate {
        throw RegistryError(.damaged, "the history of '\(name):\(alias)' is damaged")
      }
      if let number, number != current, try exists(number, of: id, in: database) {
        return (current, number, next)
      }
      below = next
    }
    throw RegistryError(
      .noHistory,
      "'\(name):\(alias)' names version \(current) and named none before that is still kept; "
        + "set it with 'alias'")
  }

  /// Takes `alias` of the adapter `name` away.
  public func removeAlias(_ name: String, alias: String) throws {
    let alias = try Reference.checkedAlias(alias)
    let name = try Reference.checkedName(name)
    try write { database in
      let id = try adapter(name, in: database)
      guard let (current, _) = try pointer(alias, of: id, in: database) else {
        throw try noAlias(alias, of: id, name, in: database)
      }
      try database.run(
        "DELETE FROM aliases WHERE adapter_id = ? AND alias = ?", [SQLValue(id), .text(alias)])
      try insertMove(.remove, alias, of: id, to: nil, from: current, below: nil, in: database)
      try audit("alias-remove", "\(name):\(alias)", "\(current)", in: database)
    }
  }

  /// The aliases of the adapter `name`, in order.
  public func aliases(of name: String) throws -> [AliasRecord] {
    try snapshot { database in
      let id = try adapter(name, in: database)
      return try database.all(
        "SELECT alias, number FROM aliases WHERE adapter_id = ? ORDER BY alias", [SQLValue(id)]
      ) { AliasRecord(adapter: name, alias: try $0.text(), version: try $0.integer()) }
    }
  }

  /// Every move of the aliases of the adapter `name`, newest first; of one alias where given.
  public func aliasHistory(of name: String, alias: String? = nil) throws -> [AliasMove] {
    try snapshot { database in
      let id = try adapter(name, in: database)
      return try database.all(
        """
        SELECT \(AliasMove.columns) FROM alias_moves
        WHERE adapter_id = ?1 AND (?2 IS NULL OR alias = ?2) ORDER BY id DESC
        """, [SQLValue(id), SQLValue(alias)], AliasMove.init)
    }
  }

  /// Points `alias` at the version `number`, which exists.
  func move(_ alias: String, of id: Int, _ name: String, to number: Int, in database: Database)
    throws -> AliasRecord
  {
    let target = AliasRecord(adapter: name, alias: alias, version: number)
    let before = try pointer(alias, of: id, in: database)
    if before?.number == number { return target }
    guard before != nil || !alias.utf8.allSatisfy({ (48...57).contains($0) }) else {
      throw RegistryError(
        .badArgument,
        "'\(name):\(alias)' would be taken for version \(alias), which is '\(name)@\(alias)'; "
          + "choose an alias with a letter")
    }
    try record(
      .set, alias, of: id, to: number, from: before?.number, below: before?.move, in: database)
    try audit(
      "alias", "\(name):\(alias)", "\(before.map { "\($0.number)" } ?? "-") -> \(number)",
      in: database)
    return target
  }

  private func record(
    _ kind: AliasMove.Kind, _ alias: String, of id: Int, to number: Int, from previous: Int?,
    below: Int?, in database: Database
  ) throws {
    try insertMove(
      kind, alias, of: id, to: number, from: previous, below: below, in: database)
    try database.run(
      """
      INSERT INTO aliases (adapter_id, alias, number, move_id) VALUES (?, ?, ?, ?)
      ON CONFLICT (adapter_id, alias) DO UPDATE SET number = excluded.number, move_id = excluded.move_id
      """,
      [SQLValue(id), .text(alias), SQLValue(number), SQLValue(database.lastInserted)])
  }

  private func insertMove(
    _ kind: AliasMove.Kind, _ alias: String, of id: Int, to number: Int?, from previous: Int?,
    below: Int?, in database: Database
  ) throws {
    try database.run(
      """
      INSERT INTO alias_moves (adapter_id, alias, kind, number, previous, below, at, actor)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        SQLValue(id), .text(alias), .text(kind.rawValue), SQLValue(number), SQLValue(previous),
        SQLValue(below), SQLValue(now()), .text(actor),
      ])
  }

  private func pointer(_ alias: String, of id: Int, in database: Database) throws
    -> (number: Int, move: Int)?
  {
    try database.first(
      "SELECT number, move_id FROM aliases WHERE adapter_id = ? AND alias = ?",
      [SQLValue(id), .text(alias)]
    ) { (number: try $0.integer(), move: try $0.integer()) }
  }

  private func moved(_ move: Int, in database: Database) throws -> (number: Int?, below: Int?) {
    try database.first("SELECT number, below FROM alias_moves WHERE id = ?", [SQLValue(move)]) {
      (
        number: try $0.optional { try $0.integer() }, below: try $0.optional { try $0.integer() }
      )
    } ?? (nil, nil)
  }

  private func exists(_ number: Int, of id: Int, in database: Database) throws -> Bool {
    try database.integer(
      "SELECT count(*) FROM versions WHERE adapter_id = ? AND number = ?",
      [SQLValue(id), SQLValue(number)]) > 0
  }
}
