import Digests

extension Database {
  /// The bytes of the blob `digest`, checked against it. For inside a snapshot or transaction.
  /// - Parameter name: What messages call the file.
  func blob(_ digest: Digest, calledBy name: String) throws -> [UInt8] {
    var hasher = SHA256()
    let blob = try unsafe fetchBlob(digest, calledBy: name) { unsafe hasher.update($0) }
    guard hasher.finish() == digest else { throw blob.damage }
    return blob.bytes
  }

  /// The bytes of the blob `digest`, not checked yet: `taken` is given each part, to take the digest of, and `failing` is
  /// called before the bytes go where a later part cannot be read.
  /// - Returns: The bytes, and what to throw where they do not have it.
  @unsafe func fetchBlob(
    _ digest: Digest, calledBy name: String, taken: (UnsafeRawBufferPointer) -> Void,
    failing: () -> Void = {}
  ) throws -> (bytes: [UInt8], damage: RegistryError) {
    guard
      let (id, size) = try first(
        "SELECT id, size FROM blobs WHERE digest = ?", [SQLValue(digest)],
        { (try $0.integer(), try $0.integer()) })
    else { throw RegistryError(.notFound, "no blob \(digest.short) in \(name)") }
    // `length` reads only the record's header, so a hostile size costs nothing here.
    let parts = try all(
      "SELECT id, length(bytes) FROM blob_parts WHERE blob_id = ? ORDER BY part", [SQLValue(id)]
    ) { (row: try $0.integer(), count: try $0.integer()) }
    let pages = try integer("PRAGMA page_count")
    let file = pages.multipliedReportingOverflow(by: try integer("PRAGMA page_size"))
    let total = parts.reduce(0) { $0 + $1.count }  // parts of at most 64 MiB each (sqlite3_limit)
    let damaged = RegistryError(
      .damaged,
      "blob \(digest.short) in \(name) is damaged: its bytes no longer have its digest; "
        + "restore the registry from a backup")
    guard total == size, !file.overflow, total <= file.partialValue else { throw damaged }
    let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
      for part in parts {
        let end = filled + part.count
        let target = unsafe UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<end])
        do {
          try unsafe readBlob(table: "blob_parts", column: "bytes", row: part.row, into: target)
        } catch {
          failing()
          throw error
        }
        unsafe taken(UnsafeRawBufferPointer(target))
        filled = end
      }
    }
    return (bytes, damaged)
  }
}
