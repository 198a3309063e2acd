public import Digests
import Foundation

extension Registry {
  /// The bytes of the blob `digest`, checked against it.
  public func blob(_ digest: Digest) throws -> [UInt8] {
    try snapshot { try $0.blob(digest, calledBy: "registry '\(path)'") }
  }

  /// What `make` makes of the bytes of the blob `digest`, which are checked against it meanwhile on another thread.
  /// - Parameter pausing: Called on both threads every few hundred microseconds; returns when they may go on.
  /// - Throws: `RegistryError` where they do not have it, whatever `make` made of them; else what `make` throws.
  public func blob<T>(
    _ digest: Digest, pausing: @escaping @Sendable () -> Void = {}, making make: (Blob) throws -> T
  ) throws -> T {
    let hasher = BackgroundDigest(pausing: pausing)
    let (blob, damage) = try snapshot { database in
      let place = try database.place(of: digest, calledBy: "registry '\(path)'")
      let blob = Blob(count: place.count)
      do {
        try unsafe database.read(place, into: blob.memory) {
          unsafe hasher.update($0)
          pausing()
        }
      } catch {
        // The bytes stay until they are hashed, here as below.
        _ = withExtendedLifetime(blob) { hasher.finish() }
        throw error
      }
      return (blob, place.damage)
    }
    let made = Result { try make(blob) }
    let found = withExtendedLifetime(blob) { hasher.finish() }
    guard found == digest else { throw damage }
    return try made.get()
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
