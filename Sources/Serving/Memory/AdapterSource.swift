public import Adapters
public import Digests

/// An adapter that a request wants, and how it is brought where it is not in memory.
public struct AdapterSource: Sendable {
  /// The adapter's digest.
  public let digest: Digest
  /// Brings it; called on the loader's thread.
  public let load: @Sendable () throws -> ResidentAdapter

  /// An adapter and how it is brought.
  public init(digest: Digest, load: @escaping @Sendable () throws -> ResidentAdapter) {
    self.digest = digest
    self.load = load
  }
}
