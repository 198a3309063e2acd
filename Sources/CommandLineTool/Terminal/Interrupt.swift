import Glibc
import Synchronization

/// Ctrl-C and SIGTERM, asked for politely: the first sets a flag, the second ends the process as it would have at once.
package enum Interrupt {
  // An atomic without a lock: the only thing that a signal handler may touch.
  private static let flag = Atomic<Bool>(false)
  private static let speaks = Atomic<Bool>(false)

  /// Whether the person has asked to stop since `catchSignals()`.
  package static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Forgets a request that has been honoured.
  package static func reset() { flag.store(false, ordering: .relaxed) }

  /// From now on the first signal sets the flag; the one after it has its default effect.
  /// - Parameter saying: Whether the first one says at once on the error stream that it was heard.
  package static func catchSignals(_ signals: [Int32] = [SIGINT, SIGTERM], saying: Bool = false) {
    reset()
    speaks.store(saying, ordering: .relaxed)
    // A parent's thread that blocks signals, as dispatch's workers do, hands that on to its children.
    var heard = sigset_t()
    unsafe sigemptyset(&heard)
    for signal in signals {
      unsafe sigaddset(&heard, signal)
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { _ in Interrupt.hear() }
      // SA_RESETHAND gives the default effect back as the handler runs.
      action.sa_flags = SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND))
      unsafe sigaction(signal, &action, nil)
    }
    unsafe pthread_sigmask(SIG_UNBLOCK, &heard, nil)
  }

  /// What the handler does: nothing but what signal-safety(7) allows.
  private static func hear() {
    flag.store(true, ordering: .relaxed)
    guard speaks.load(ordering: .relaxed) else { return }
    let text: StaticString =
      "\nlorikeet: stopping after this step and saving; Ctrl-C again stops at once\n"
    _ = unsafe write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }

  /// From now on the signals wait, in this thread and those it starts, until `wait` takes one up.
  package static func hold(_ signals: [Int32] = [SIGINT, SIGTERM]) {
    var held = set(of: signals)
    unsafe pthread_sigmask(SIG_BLOCK, &held, nil)
  }

  /// Sleeps until one of the held signals comes.
  package static func wait(_ signals: [Int32] = [SIGINT, SIGTERM]) {
    var held = set(of: signals)
    var signal: Int32 = 0
    unsafe sigwait(&held, &signal)
  }

  private static func set(of signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    return set
  }

  /// Gives the signals their default effect back.
  package static func release(_ signals: [Int32] = [SIGINT, SIGTERM]) {
    for signal in signals { _ = Glibc.signal(signal, SIG_DFL) }
  }
}
