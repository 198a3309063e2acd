public import Digests

/// What a look at everything in the registry found.
public struct VerifyReport: Sendable, Equatable {
  /// Bytes that no longer have their digest, or cannot be read.
  public struct Damage: Sendable, Equatable {
    /// The digest that they should have.
    public let digest: Digest
    /// What is wrong.
    public let reason: String
    /// What needs them: `acme/support@3 (production)`, `run 4 after step 10`.
    public let dependents: [String]
  }

  /// How many blobs were read.
  public var blobs = 0
  /// Their bytes.
  public var bytes = 0
  /// Those that are damaged.
  public var damaged: [Damage] = []
  /// What SQLite says is wrong with the file or its references.
  public var faults: [String] = []

  /// Whether all is well.
  public var isSound: Bool { damaged.isEmpty && faults.isEmpty }
}

extension Registry {
  /// Reads everything again: the file's own structure, its references, and the SHA-256 of every blob.
  ///
  /// Other processes may read and write meanwhile; one blob is in memory at a time.
  /// - Parameter progress: Told how many of how many bytes have been read.
  public func verify(progress: (Int, Int) -> Void = { _, _ in }) throws -> VerifyReport {
    var report = VerifyReport()
    report.faults = try read { try $0.faults(atMost: 100) }
    let blobs: [(id: Int, digest: Digest, size: Int)] = try read { database in
      try database.all("SELECT id, digest, size FROM blobs ORDER BY id") {
        (try $0.integer(), try $0.digest(), try $0.integer())
      }
    }
    let total = blobs.reduce(0) { $0 &+ max(0, $1.size) }
    for blob in blobs {
      do { _ = try self.blob(blob.digest) } catch let error as RegistryError {
        // Another process may have dropped it since.
        if error.code == .notFound { continue }
        report.damaged.append(
          .init(
            digest: blob.digest, reason: error.message, dependents: try dependents(of: blob.id)))
      }
      report.blobs += 1
      report.bytes &+= max(0, blob.size)
      progress(report.bytes, total)
    }
    return report
  }

  /// What needs the blob in the row `id`.
  private func dependents(of id: Int) throws -> [String] {
    try read { database in
      try database.all(
        """
        SELECT a.name || '@' || v.number || coalesce(' (' || (SELECT group_concat(l.alias, ', ')
            FROM aliases l WHERE l.adapter_id = a.id AND l.number = v.number) || ')', '')
          FROM versions v JOIN adapters a ON a.id = v.adapter_id WHERE v.weights_id = ?1
        UNION ALL
        SELECT 'run ' || c.run_id || ' after step ' || c.step FROM checkpoints c WHERE c.state_id = ?1
        UNION ALL
        SELECT 'the answers of evaluation ' || e.id FROM evaluations e WHERE e.answers_id = ?1
        LIMIT 100
        """, [SQLValue(id)]
      ) { try $0.text() }
    }
  }
}
