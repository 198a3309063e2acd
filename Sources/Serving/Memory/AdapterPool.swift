public import Adapters
public import Digests
import Synchronization
import Tensors

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
    /// Adapters that were loaded and found no room.
    public var refusals = 0
  }

  struct Entry {
    let adapter: ResidentAdapter
    let memory: MemoryReservation
    var pins = 0
    var lastUse = 0
    /// Whether it goes as soon as nobody uses it.
    var isRetired = false
  }

  struct State {
    var entries: [Digest: Entry] = [:]
    var clock = 0
    var statistics = Statistics()
  }

  /// What its bytes are counted in.
  public let budget: MemoryBudget
  /// Whoever loads an adapter is behind it.
  let gate = WorkGate()
  private let base: Digest
  let state = Mutex(State())

  /// An empty pool for adapters of the base with fingerprint `base`, whose bytes are counted in `budget`.
  public init(base: Digest, budget: MemoryBudget) {
    self.base = base
    self.budget = budget
    budget.onShortage(
      idle: { [weak self] in self?.idleBytes ?? 0 }, giveUp: { [weak self] in self?.evict($0) })
  }

  /// An empty pool with a budget of its own.
  public convenience init(base: Digest, capacityBytes: Int) {
    self.init(base: base, budget: MemoryBudget(capacity: capacityBytes))
  }

  /// The adapter with `digest`, pinned; `load` brings it where it is not in memory.
  ///
  /// Loading happens outside the lock and behind the gate, so that a cold adapter holds up nobody.
  /// - Throws: What `load` throws, or `ServingError` where the adapter is for another base or there is no room.
  public func pin(_ digest: Digest, load: () throws -> ResidentAdapter) throws
    -> PinnedAdapter
  {
    if let pinned = pinResident(digest) { return pinned }
    let adapter = try gate.run(load)
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
    return try insert(adapter)
  }

  /// The adapter with `digest`, pinned, if it is in memory.
  public func pinResident(_ digest: Digest) -> PinnedAdapter? {
    let adapter = state.withLock { state in
      let adapter = state.pin(digest)
      if adapter != nil { state.statistics.hits += 1 }
      return adapter
    }
    return adapter.map { PinnedAdapter(adapter: $0, pool: self) }
  }

  /// How the pool stands.
  public var statistics: Statistics { state.withLock { $0.statistics } }

  /// Digests of the adapters in memory, and how many requests use each.
  public var residents: [Digest: Int] { state.withLock { $0.entries.mapValues(\.pins) } }

  /// Puts `adapter` in, pinned once, unless another thread was faster; then pins that one.
  private func insert(_ adapter: ResidentAdapter) throws -> PinnedAdapter {
    // Reserved outside the lock: the budget may ask this pool to let others go.
    guard let memory = budget.reserve(adapter.byteCount) else {
      state.withLock { $0.statistics.refusals += 1 }
      let bytes = adapter.byteCount
      guard bytes <= budget.capacity else {
        throw ServingError(
          .tooLarge,
          "an adapter of \(bytes) bytes never finds room in the \(budget.capacity) that there are "
            + "for adapters and requests; allow the server more memory")
      }
      throw ServingError(
        .noRoom,
        "no room for an adapter of \(bytes) bytes: \(budget.used) of \(budget.capacity) are in "
          + "use by requests; ask again later, or allow the server more memory", bytes: bytes)
    }
    let pinned = state.withLock { state -> ResidentAdapter? in
      state.statistics.loads += 1
      if state.entries[adapter.digest] == nil {
        state.entries[adapter.digest] = Entry(adapter: adapter, memory: memory)
        state.statistics.resident += 1
        state.statistics.residentBytes += memory.bytes
      }
      return state.pin(adapter.digest)
    }
    return PinnedAdapter(adapter: pinned ?? adapter, pool: self)
  }

  func unpin(_ digest: Digest) {
    let gone = state.withLock { state -> Entry? in
      guard let entry = state.entries[digest] else { return nil }
      state.entries[digest]?.pins = entry.pins - 1
      return entry.isRetired && entry.pins == 1 ? state.remove(digest) : nil
    }
    // Freed here, outside the lock.
    _ = gone
  }
}

extension AdapterPool.State {
  mutating func pin(_ digest: Digest) -> ResidentAdapter? {
    guard var entry = entries[digest] else { return nil }
    clock += 1
    entry.pins += 1
    entry.lastUse = clock
    entries[digest] = entry
    return entry.adapter
  }

  mutating func remove(_ digest: Digest) -> AdapterPool.Entry? {
    guard let entry = entries.removeValue(forKey: digest) else { return nil }
    statistics.resident -= 1
    statistics.residentBytes -= entry.memory.bytes
    return entry
  }
}

/// An adapter that stays in memory as long as this lives.
public final class PinnedAdapter: Sendable {
  /// The adapter.
  public let adapter: ResidentAdapter
  private let pool: AdapterPool

  init(adapter: ResidentAdapter, pool: AdapterPool) {
    self.adapter = adapter
    self.pool = pool
  }

  deinit { pool.unpin(adapter.digest) }
}
