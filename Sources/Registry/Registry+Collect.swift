public import Foundation

/// What a collection of garbage frees, or would free.
public struct CollectReport: Sendable, Equatable {
  /// Blobs that nothing names any more.
  public var blobs = 0
  /// Their bytes.
  public var bytes = 0
  /// Checkpoints of runs that are completed or were stopped long ago.
  public var checkpoints = 0

  /// Whether there is nothing to free.
  public var isEmpty: Bool { blobs == 0 && checkpoints == 0 }
}

extension Registry {
  /// Frees what nobody needs: checkpoints of completed runs and of runs stopped before `cutoff`, blobs that nothing names.
  ///
  /// A name without versions stays: its numbers must not mean something else one day.
  /// One transaction. A run stopped after `cutoff` can still be resumed, and so can one that a living process writes.
  /// - Parameter isDry: Whether only to tell what it would free.
  public func collect(stoppedBefore cutoff: Date, isDry: Bool) throws -> CollectReport {
    let dry = DryRun()
    do {
      return try write { database in
        let report = try free(before: cutoff, in: database)
        if isDry {
          dry.report = report
          throw dry
        }
        if !report.isEmpty {
          try audit("gc", "-", "\(report.blobs) blobs, \(report.bytes) bytes", in: database)
        }
        return report
      }
    } catch let dry as DryRun {
      return dry.report
    }
  }

  /// Gives the room of freed pages back to the disk; takes as long as writing the file anew.
  public func compact() throws { try read { try $0.run("VACUUM") } }

  private func free(before cutoff: Date, in database: Database) throws -> CollectReport {
    var report = CollectReport()
    let time = now()
    let runs = try database.all(
      RunRecord.select + "WHERE EXISTS (SELECT 1 FROM checkpoints c WHERE c.run_id = r.id)"
    ) { try RunRecord(&$0, now: time) }
    for run in runs {
      let isOver = run.status == .completed
      let isOld = run.status != .running && (run.ended ?? run.started) < cutoff
      guard isOver || isOld else { continue }
      report.checkpoints += try database.all(
        "DELETE FROM checkpoints WHERE run_id = ? RETURNING id", [SQLValue(run.id)]
      ) { try $0.integer() }.count
    }
    let blobs = try database.all(
      """
      DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM versions WHERE weights_id = blobs.id)
        AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE state_id = blobs.id)
        AND NOT EXISTS (SELECT 1 FROM evaluations WHERE answers_id = blobs.id)
      RETURNING size
      """
    ) { try $0.integer() }
    report.blobs = blobs.count
    report.bytes = blobs.reduce(0) { $0 &+ $1 }
    return report
  }
}

/// Thrown out of a transaction that was only to tell what it would do.
private final class DryRun: Error, @unchecked Sendable {
  // Sendable: made, filled and read by one call on one thread.
  var report = CollectReport()
}
