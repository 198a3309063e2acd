public import Adapters
public import Digests
import Synchronization

/// The loader: adapters in memory, by digest, so that a swap is no more than a look-up.
///
/// Adapters are immutable, so any number of requests share one. What a request uses is pinned for its life; what
/// nobody uses stays until the bytes are needed, and then the least recently used goes first.
public final class AdapterPool: Sendable {
  /// Numbers for people and tests.
  public struct Statistics: Sendable, Equatable {
    /// Adapters in memory.
    public var resident = 0
    /// Their bytes.
    public var residentBytes = 0
    /// Requests that found their adapter in memory.
    public var hits = 0
    /// Requests that had to load it.
    public var loads = 0
    /// Adapters that had to go.
    public var evictions = 0
  }

  struct Entry {
    var adapter: Adapter
    var pins = 0
    var lastUse = 0
  }

  struct State {
    var entries: [Digest: Entry] = [:]
    var clock = 0
    var statistics = Statistics()
  }

  /// The most bytes of weights to hold.
  public let capacityBytes: Int
  let base: Digest
  let state = Mutex(State())

  /// An empty pool for adapters of the base with fingerprint `base`.
  public init(base: Digest, capacityBytes: Int) {
    self.base = base
    self.capacityBytes = capacityBytes
  }

  /// The adapter with `digest`, pinned; `load` brings it where it is not in memory.
  ///
  /// Loading happens outside the lock, so that a cold adapter holds up nobody.
  /// - Throws: What `load` throws, or `ServingError` where the adapter is for another base or there is no room.
  public func pin(_ digest: Digest, load: () throws -> Adapter) throws -> PinnedAdapter {
    if let adapter = pinResident(digest, isHit: true) {
      return PinnedAdapter(adapter: adapter, pool: self)
    }
    let adapter = try load()
    guard adapter.baseFingerprint == base else {
      throw ServingError(
        .wrongBase,
        "adapter \(digest.short) was trained on base \(adapter.baseFingerprint.short), "
          + "not on the loaded base \(base.short)")
    }
    guard adapter.digest == digest else {
      throw ServingError(
        .wrongBase, "adapter \(digest.short) has the digest \(adapter.digest.short) once loaded")
    }
    try insert(adapter)
    return PinnedAdapter(adapter: adapter, pool: self)
  }

  /// How the pool stands.
  public var statistics: Statistics { state.withLock { $0.statistics } }

  private func pinResident(_ digest: Digest, isHit: Bool) -> Adapter? {
    state.withLock { state in
      guard state.entries[digest] != nil else { return nil }
      state.clock += 1
      state.entries[digest]?.pins += 1
      state.entries[digest]?.lastUse = state.clock
      if isHit { state.statistics.hits += 1 }
      return state.entries[digest]?.adapter
    }
  }

  /// Puts `adapter` in, pinned once, unless another thread was faster; then pins that one.
  private func insert(_ adapter: Adapter) throws {
    try state.withLock { state in
      state.statistics.loads += 1
      state.clock += 1
      if state.entries[adapter.digest] == nil {
        try state.makeRoom(for: adapter.byteCount, capacity: capacityBytes)
        state.entries[adapter.digest] = Entry(adapter: adapter)
        state.statistics.resident += 1
        state.statistics.residentBytes += adapter.byteCount
      }
      state.entries[adapter.digest]?.pins += 1
      state.entries[adapter.digest]?.lastUse = state.clock
    }
  }

  func unpin(_ digest: Digest) {
    state.withLock { $0.entries[digest]?.pins -= 1 }
  }
}

/// An adapter that stays in memory as long as this lives.
public final class PinnedAdapter: Sendable {
  /// The adapter.
  public let adapter: Adapter
  private let pool: AdapterPool

  init(adapter: Adapter, pool: AdapterPool) {
    self.adapter = adapter
    self.pool = pool
  }

  deinit { pool.unpin(adapter.digest) }
}
