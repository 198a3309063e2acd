import CNettle

/// SHA-256 (FIPS 180-4) over bytes as they come; nettle does the work.
@safe public struct SHA256: Sendable {
  private var context = sha256_ctx()

  /// A hasher that has seen nothing.
  public init() { unsafe nettle_sha256_init(&context) }

  /// Takes in `bytes`.
  public mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  /// Takes in `text`'s UTF-8.
  public mutating func update(_ text: String) { update(Array(text.utf8)) }

  /// Takes in `number` as eight little-endian bytes.
  public mutating func update(_ number: Int) {
    let bits = UInt64(bitPattern: Int64(number))
    update((0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) })
  }

  /// Takes in the bytes that `bytes` points at.
  @unsafe public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    unsafe nettle_sha256_update(&context, bytes.count, base.assumingMemoryBound(to: UInt8.self))
  }

  /// The digest of everything taken in; the hasher starts anew.
  public mutating func finish() -> Digest {
    var bytes = [UInt8](repeating: 0, count: 32)
    unsafe nettle_sha256_digest(&context, 32, &bytes)
    return Digest(bytes: bytes)
  }
}
