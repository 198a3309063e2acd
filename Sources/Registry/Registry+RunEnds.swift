import Foundation

extension Registry {
  /// Ends a run of this process with an error. It can be resumed from its last checkpoint, where it has one.
  public func failRun(_ id: Int, error: String) throws {
    try write { database in
      try signLife(id, in: database)
      try end(id, .failed, error: error, in: database)
    }
  }

  /// Stops a run of this process (Ctrl-C); it can be resumed from its last checkpoint.
  public func interruptRun(_ id: Int) throws {
    try write { database in
      try signLife(id, in: database)
      try end(id, .interrupted, error: nil, in: database)
    }
  }

  /// Writes down as `interrupted` every run whose process is gone; their numbers. None where nothing may be written.
  @discardableResult
  public func markInterruptedRuns() throws -> [Int] {
    let time = now()
    func gone(_ database: Database) throws -> [RunRecord] {
      try database.all(
        RunRecord.select + "WHERE r.status = 'running' ORDER BY r.id"
      ) { try RunRecord(&$0, now: time) }.filter { $0.status == .interrupted }
    }
    // Mostly there is none: then nothing is written and nobody waits for us.
    guard try !isReadOnly && !read(gone).isEmpty else { return [] }
    return try write { database in
      let runs = try gone(database)
      try database.run(
        "UPDATE runs SET status = 'interrupted', ended = seen WHERE id = ?",
        each: runs.map { [SQLValue($0.id)] })
      return runs.map(\.id)
    }
  }

  /// Refuses to publish a version of `adapter` as the result of a run that is another's.
  func checkCompletable(_ id: Int, adapter: Int, name: String, in database: Database) throws {
    try signLife(id, in: database)
    let owned = try database.integer(
      "SELECT count(*) FROM runs WHERE id = ? AND adapter_id = ?",
      [SQLValue(id), SQLValue(adapter)])
    guard owned == 1 else {
      throw RegistryError(.badArgument, "run \(id) is another adapter's, not '\(name)''s")
    }
  }

  /// Ends the run of the version just published; its checkpoints are of no more use.
  func complete(_ id: Int, adapter: Int, number: Int, in database: Database) throws {
    try end(id, .completed, error: nil, in: database)
    try database.run(
      """
      UPDATE runs SET version_id =
        (SELECT id FROM versions WHERE adapter_id = ? AND number = ?) WHERE id = ?
      """, [SQLValue(adapter), SQLValue(number), SQLValue(id)])
    try dropCheckpoints(ofRun: id, keeping: 0, in: database)
  }

  /// Notes that the owner of a running run lives, which is this process; refused where it is not.
  func signLife(_ id: Int, in database: Database) throws {
    try database.run(
      """
      UPDATE runs SET seen = ? WHERE id = ? AND status = 'running' AND owner_process = ?
        AND owner_start = ? AND owner_boot = ? AND owner_space = ?
      """,
      [
        SQLValue(now()), SQLValue(id), SQLValue(owner.process), SQLValue(owner.start),
        .text(owner.boot), .text(owner.space),
      ])
    guard database.changes == 1 else {
      let found = try run(id, in: database)
      throw RegistryError(
        .notOwner,
        "run \(id) is \(found.status.rawValue) and not this process's to write; "
          + "resume it or start a new one")
    }
  }

  private func end(_ id: Int, _ status: RunStatus, error: String?, in database: Database) throws {
    try database.run(
      "UPDATE runs SET status = ?, ended = ?, error = ? WHERE id = ?",
      [.text(status.rawValue), SQLValue(now()), SQLValue(error), SQLValue(id)])
  }
}
