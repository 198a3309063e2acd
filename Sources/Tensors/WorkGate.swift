import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A gate before work that goes on behind other work.
///
/// Who is behind it asks at each of its own small steps whether it may go on, and waits where others need the processors.
public final class WorkGate: Sendable {
  /// The gate that the calling thread works behind.
  @TaskLocal public static var current: WorkGate?

  /// Nanoseconds of the clock that only goes forward.
  private let openUntil = Atomic<Int>(.max)
  private let openings = Atomic<Int>(0)
  private let users = Atomic<Int>(0)
  private let alarm = Alarm()

  /// An open gate.
  public init() {}

  /// Where the calling thread works behind a gate, waits until that is open.
  public static func pass() { current?.wait() }

  /// Waits until the gate is open.
  public func wait() {
    if isOpen { return }
    alarm.sleep(while: { !isOpen })
  }

  /// Where the calling thread works behind a gate, waits until that stays open for `seconds` more, or opens anew where it
  /// is never open so long: before a step that cannot be cut.
  public static func pass(needing seconds: Double) {
    guard let current else { return }
    let seen = current.openings.load(ordering: .sequentiallyConsistent)
    let needed = Int(seconds * 1e9)
    current.alarm.sleep(while: {
      current.timeLeft < needed
        && current.openings.load(ordering: .sequentiallyConsistent) == seen
    })
  }

  /// Runs `body`, on this thread, behind the gate.
  public func run<T>(_ body: () throws -> T) rethrows -> T {
    users.wrappingAdd(1, ordering: .sequentiallyConsistent)
    defer { users.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    return try WorkGate.$current.withValue(self) {
      wait()
      return try body()
    }
  }

  /// Whether anybody works behind it, or waits.
  public var isUsed: Bool { users.load(ordering: .sequentiallyConsistent) > 0 }

  /// Opens it, until it is closed.
  public func open() { open(until: .max) }

  /// Opens it for so long; then nobody passes any more.
  public func open(seconds: Double) { open(until: WorkGate.now() + Int(seconds * 1e9)) }

  /// Closes it: who is behind it ends the step that it is at, and waits.
  public func close() { openUntil.store(0, ordering: .sequentiallyConsistent) }

  private var isOpen: Bool { timeLeft > 0 }

  /// Nanoseconds; negative where it is closed.
  private var timeLeft: Int {
    let end = openUntil.load(ordering: .sequentiallyConsistent)
    return end == .max ? .max : end - WorkGate.now()
  }

  private func open(until end: Int) {
    openUntil.store(end, ordering: .sequentiallyConsistent)
    openings.wrappingAdd(1, ordering: .sequentiallyConsistent)
    alarm.ring()
  }

  private static func now() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
