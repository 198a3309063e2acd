public import Digests
import Foundation

extension Registry {
  /// The bytes of the blob `digest`, checked against it.
  public func blob(_ digest: Digest) throws -> [UInt8] {
    var parts: [(row: Int, count: Int)] = []
    return try snapshot { database in
      guard
        let (id, size) = try database.first(
          "SELECT id, size FROM blobs WHERE digest = ?", [SQLValue(digest)],
          { (try $0.integer(), try $0.integer()) })
      else { throw RegistryError(.notFound, "no blob \(digest.short) in registry '\(path)'") }
      // `length` reads only the record's header, so a hostile size costs nothing here.
      parts = try database.all(
        "SELECT id, length(bytes) FROM blob_parts WHERE blob_id = ? ORDER BY part",
        [SQLValue(id)]
      ) { (try $0.integer(), try $0.integer()) }
      let pages = try database.integer("PRAGMA page_count")
      let file = pages.multipliedReportingOverflow(by: try database.integer("PRAGMA page_size"))
      let total = parts.reduce(0) { $0 + $1.count }  // parts of at most 64 MiB each (sqlite3_limit)
      guard total == size, !file.overflow, total <= file.partialValue else {
        throw damaged(digest)
      }
      var hasher = SHA256()
      let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
        for part in parts {
          let end = filled + part.count
          let target = unsafe UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<end])
          try unsafe database.readBlob(
            table: "blob_parts", column: "bytes", row: part.row, into: target)
          unsafe hasher.update(UnsafeRawBufferPointer(target))
          filled = end
        }
      }
      guard hasher.finish() == digest else { throw damaged(digest) }
      return bytes
    }
  }

  /// The weights of `version`, safetensors bytes, checked against their digest.
  public func weights(of version: VersionRecord) throws -> [UInt8] {
    do {
      return try blob(version.weights)
    } catch let error as RegistryError where error.code == .damaged {
      throw RegistryError(
        .damaged, "the weights of \(version.reference): \(error.message)",
        sqliteCode: error.sqliteCode)
    }
  }

  private func damaged(_ digest: Digest) -> RegistryError {
    RegistryError(
      .damaged,
      "blob \(digest.short) in registry '\(path)' is damaged: its bytes no longer have its digest; "
        + "restore the registry from a backup")
  }

  /// A blob is kept in parts of this many bytes.
  package static let partSize = 4 << 20

  /// The row of the blob with these bytes, whose digest is `digest`; kept once.
  func keepBlob(_ bytes: [UInt8], _ digest: Digest, in database: Database) throws -> Int {
    let known = try database.first(
      "SELECT id FROM blobs WHERE digest = ?", [SQLValue(digest)]
    ) { try $0.integer() }
    if let known { return known }
    try database.run(
      "INSERT INTO blobs (digest, size) VALUES (?, ?)", [SQLValue(digest), SQLValue(bytes.count)])
    let id = database.lastInserted
    var start = 0
    var part = 0
    while start < bytes.count {
      let end = min(bytes.count, start + Self.partSize)
      try database.run(
        "INSERT INTO blob_parts (blob_id, part, bytes) VALUES (?, ?, ?)",
        [SQLValue(id), SQLValue(part)], bytes: bytes[start..<end])
      start = end
      part += 1
    }
    return id
  }

  /// Drops those of the blobs `ids` that nothing names any more.
  func dropOrphans(_ ids: [Int], in database: Database) throws {
    try database.run(
      """
      DELETE FROM blobs WHERE id = ?1
        AND NOT EXISTS (SELECT 1 FROM versions WHERE weights_id = ?1)
        AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE state_id = ?1)
        AND NOT EXISTS (SELECT 1 FROM evaluations WHERE answers_id = ?1)
      """, each: ids.map { [SQLValue($0)] })
  }
}
