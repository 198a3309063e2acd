import Digests

/// Where a database keeps a blob's bytes.
struct BlobPlace {
  /// Rows of `blob_parts`, in order, and the bytes of each.
  let parts: [(row: Int, count: Int)]
  /// The blob's bytes.
  let count: Int
  /// What to throw where they do not have their digest.
  let damage: RegistryError
}

extension Database {
  /// The bytes of the blob `digest`, checked against it. For inside a snapshot or transaction.
  /// - Parameter name: What messages call the file.
  func blob(_ digest: Digest, calledBy name: String) throws -> [UInt8] {
    let place = try place(of: digest, calledBy: name)
    var hasher = SHA256()
    let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: place.count) { buffer, filled in
      try unsafe read(place, into: UnsafeMutableRawBufferPointer(buffer)) {
        unsafe hasher.update($0)
      }
      filled = place.count
    }
    guard hasher.finish() == digest else { throw place.damage }
    return bytes
  }

  /// Where the blob `digest` lies. What the file says of sizes is checked against its own.
  /// - Parameter name: What messages call the file.
  func place(of digest: Digest, calledBy name: String) throws -> BlobPlace {
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
    let damage = RegistryError(
      .damaged,
      "blob \(digest.short) in \(name) is damaged: its bytes no longer have its digest; "
        + "restore the registry from a backup")
    guard total == size, !file.overflow, total <= file.partialValue else { throw damage }
    return BlobPlace(parts: parts, count: total, damage: damage)
  }

  /// Reads the bytes at `place`, not checked yet, into `target`, whose size is theirs; `taken` is given each piece once it
  /// is there, in order.
  @unsafe func read(
    _ place: BlobPlace, into target: UnsafeMutableRawBufferPointer,
    taken: (UnsafeRawBufferPointer) -> Void
  ) throws {
    var filled = 0
    for part in place.parts {
      let end = filled + part.count
      try unsafe readBlob(
        table: "blob_parts", column: "bytes", row: part.row,
        into: UnsafeMutableRawBufferPointer(rebasing: target[filled..<end]), taken: taken)
      filled = end
    }
  }
}
