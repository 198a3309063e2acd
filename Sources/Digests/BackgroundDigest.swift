import Foundation

/// SHA-256 over bytes as they come, taken on another thread while the caller fetches the next or makes something of them.
@safe public final class BackgroundDigest: @unchecked Sendable {
  // Safe: the hasher is touched only on the queue, one block after the other.
  private var hasher = SHA256()
  private let queue = DispatchQueue(label: "lorikeet.digest")

  /// A hasher that has seen nothing.
  public init() {}

  /// Takes in the bytes that `bytes` points at, which stay as they are until `finish` has returned.
  @unsafe public func update(_ bytes: UnsafeRawBufferPointer) {
    // Safe: nobody writes to them until `finish` has returned, as the caller says; a pointer alone does not tell the compiler.
    nonisolated(unsafe) let bytes = unsafe bytes
    queue.async { unsafe self.hasher.update(bytes) }
  }

  /// The digest of everything taken in, once that is done.
  public func finish() -> Digest { queue.sync { hasher.finish() } }
}
