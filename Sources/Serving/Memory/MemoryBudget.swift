import Synchronization

/// Counts the bytes that adapters, the caches of requests and cached prefixes take together, against one bound.
///
/// Who wants bytes reserves them first. Where they are short, those who keep what nobody uses are asked to give it up,
/// in the order in which they said that they would.
public final class MemoryBudget: Sendable {
  private struct Keeper {
    let idle: @Sendable () -> Int
    let giveUp: @Sendable (_ bytes: Int) -> Void
  }

  private struct State {
    var used = 0
    var keepers: [Keeper] = []
  }

  /// The most bytes that may be reserved at a time.
  public let capacity: Int
  private let state = Mutex(State())

  /// A budget of `capacity` bytes.
  public init(capacity: Int) { self.capacity = max(0, capacity) }

  /// Bytes reserved now.
  public var used: Int { state.withLock { $0.used } }

  /// Bytes that a reservation would find now: those that are free, and those that are given up for it.
  package var available: Int {
    let (free, keepers) = state.withLock { (capacity - $0.used, $0.keepers) }
    return keepers.reduce(free) { $0 + $1.idle() }
  }

  /// Has `giveUp` called where bytes are short; it gives up about as many as it is asked for, of those that are `idle`.
  package func onShortage(
    idle: @escaping @Sendable () -> Int, giveUp: @escaping @Sendable (_ bytes: Int) -> Void
  ) {
    state.withLock { $0.keepers.append(Keeper(idle: idle, giveUp: giveUp)) }
  }

  /// Reserves `bytes` until the reservation is let go; nil where they are in use.
  package func reserve(_ bytes: Int) -> MemoryReservation? {
    if take(bytes) == nil { return MemoryReservation(bytes, of: self) }
    for keeper in state.withLock({ $0.keepers }) {
      guard let missing = take(bytes) else { return MemoryReservation(bytes, of: self) }
      keeper.giveUp(missing)
    }
    return take(bytes) == nil ? MemoryReservation(bytes, of: self) : nil
  }

  /// Reserves `bytes` only where nobody has to give up anything for them.
  package func reserveIdle(_ bytes: Int) -> MemoryReservation? {
    take(bytes) == nil ? MemoryReservation(bytes, of: self) : nil
  }

  /// Takes `bytes`, or tells how many are missing.
  fileprivate func take(_ bytes: Int) -> Int? {
    state.withLock { state in
      guard state.used + bytes > capacity else {
        state.used += bytes
        return nil
      }
      return state.used + bytes - capacity
    }
  }

  fileprivate func release(_ bytes: Int) { state.withLock { $0.used -= bytes } }
}

/// Bytes of a budget, taken for as long as this lives.
package final class MemoryReservation: Sendable {
  private let count: Atomic<Int>
  private let budget: MemoryBudget

  fileprivate init(_ bytes: Int, of budget: MemoryBudget) {
    count = Atomic(bytes)
    self.budget = budget
  }

  package var bytes: Int { count.load(ordering: .relaxed) }

  /// Takes `bytes` more, where nobody has to give up anything for them; whether that was possible.
  package func grow(by bytes: Int) -> Bool {
    guard budget.take(bytes) == nil else { return false }
    count.wrappingAdd(bytes, ordering: .relaxed)
    return true
  }

  deinit { budget.release(bytes) }
}
