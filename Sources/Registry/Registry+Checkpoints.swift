public import Digests
import Foundation

extension Registry {
  /// Saves the state of a run of this process after `step`, in one transaction with dropping the older ones.
  ///
  /// Those of the same step or later, left by a run resumed from further back, are replaced. The adapter's digest is
  /// written with it and stays when the checkpoint goes: `adapterDigests(ofRun:)` gives it as long as there is the run.
  /// - Parameters:
  ///   - id: The run.
  ///   - step: The step after which the state was taken.
  ///   - state: Everything that the run needs to go on.
  ///   - adapter: The digest that the adapter has after `step`, if the caller wants it remembered.
  ///   - facts: What the trainer wants to know without reading the state, JSON.
  ///   - keeping: How many of the newest are kept, this one among them.
  @discardableResult
  public func saveCheckpoint(
    ofRun id: Int, step: Int, state: [UInt8], adapter: Digest? = nil, facts: String = "{}",
    keeping: Int = 2
  ) throws -> CheckpointRecord {
    guard keeping >= 1 else {
      throw RegistryError(.badArgument, "run \(id): at least 1 checkpoint is kept, not \(keeping)")
    }
    let digest = Digest.of(state)
    return try write { database in
      try signLife(id, in: database)
      let replaced = try database.all(
        "DELETE FROM checkpoints WHERE run_id = ? AND step >= ? RETURNING state_id",
        [SQLValue(id), SQLValue(step)]
      ) { try $0.integer() }
      let blob = try keepBlob(state, digest, in: database)
      let time = now()
      try database.run(
        "INSERT INTO checkpoints (run_id, step, state_id, facts, created) VALUES (?, ?, ?, ?, ?)",
        [SQLValue(id), SQLValue(step), SQLValue(blob), .text(facts), SQLValue(time)])
      try database.run(
        "DELETE FROM run_digests WHERE run_id = ? AND step >= ?", [SQLValue(id), SQLValue(step)])
      if let adapter { try insert([step: adapter], ofRun: id, in: database) }
      try dropOrphans(replaced, in: database)
      try dropCheckpoints(ofRun: id, keeping: keeping, in: database)
      return CheckpointRecord(
        step: step, state: digest, size: state.count, facts: facts,
        created: date(milliseconds: milliseconds(time)))
    }
  }

  /// The checkpoints of a run, newest first.
  public func checkpoints(ofRun id: Int) throws -> [CheckpointRecord] {
    try read { database in
      try database.all(
        """
        SELECT c.step, w.digest, w.size, c.facts, c.created
        FROM checkpoints c JOIN blobs w ON w.id = c.state_id
        WHERE c.run_id = ? ORDER BY c.step DESC
        """, [SQLValue(id)]
      ) { row in
        CheckpointRecord(
          step: try row.integer(), state: try row.digest(), size: try row.integer(),
          facts: try row.text(), created: try row.date())
      }
    }
  }

  /// The newest checkpoint of a run that can be read whole, with its state; nil where there is none.
  ///
  /// A damaged one is an error only where no older one is whole.
  public func newestCheckpoint(ofRun id: Int) throws -> (record: CheckpointRecord, state: [UInt8])?
  {
    var damage: RegistryError?
    for record in try checkpoints(ofRun: id) {
      do {
        return (record, try blob(record.state))
      } catch let error as RegistryError where error.code == .damaged || error.code == .notFound {
        damage = damage ?? error
      }
    }
    if let damage { throw damage }
    return nil
  }

  /// The digests that the adapter of a run had on the way, by the step after which it had them.
  public func adapterDigests(ofRun id: Int) throws -> [Int: Digest] {
    try read { database in try adapterDigests(ofRun: id, in: database) }
  }

  func adapterDigests(ofRun id: Int, in database: Database) throws -> [Int: Digest] {
    let found = try database.all(
      "SELECT step, digest FROM run_digests WHERE run_id = ?", [SQLValue(id)]
    ) { (try $0.integer(), try $0.digest()) }
    return Dictionary(found) { first, _ in first }
  }

  /// Keeps the adapter's `digests` by step with the run `id`.
  func insert(_ digests: [Int: Digest], ofRun id: Int, in database: Database) throws {
    try database.run(
      "INSERT INTO run_digests (run_id, step, digest) VALUES (?, ?, ?)",
      each: digests.map { [SQLValue(id), SQLValue($0), SQLValue($1)] })
  }

  /// Drops all but the newest `keeping` checkpoints of a run.
  func dropCheckpoints(ofRun id: Int, keeping: Int, in database: Database) throws {
    let dropped = try database.all(
      """
      DELETE FROM checkpoints WHERE run_id = ?1 AND id NOT IN
        (SELECT id FROM checkpoints WHERE run_id = ?1 ORDER BY step DESC LIMIT ?2)
      RETURNING state_id
      """, [SQLValue(id), SQLValue(keeping)]
    ) { try $0.integer() }
    try dropOrphans(dropped, in: database)
  }
}
