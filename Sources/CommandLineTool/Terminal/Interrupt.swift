import Glibc
import Synchronization

/// Ctrl-C and SIGTERM, asked for politely: the first sets a flag, the second ends the process as it would have at once.
package enum Interrupt {
  // An atomic without a lock: the only thing that a signal handler may touch.
  private static let flag = Atomic<Bool>(false)
  private static let speaks = Atomic<Bool>(false)
  /// A pipe's two ends: a byte for each held signal.
  private static let held = Pipe()

  private struct Pipe: ~Copyable {
    let outlet = Atomic<Int32>(-1)
    let inlet = Atomic<Int32>(-1)
  }

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

  /// From now on each signal waits until `wait` takes it up.
  ///
  /// Through a pipe and a handler, not `sigwait`: libraries have threads from before `main` that do not block the signals, and
  /// the system may give one of these the signal, whose default effect would be the end.
  package static func hold(_ signals: [Int32] = [SIGINT, SIGTERM]) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    held.outlet.store(ends[0], ordering: .relaxed)
    held.inlet.store(ends[1], ordering: .relaxed)
    var heard = sigset_t()
    unsafe sigemptyset(&heard)
    for signal in signals {
      unsafe sigaddset(&heard, signal)
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { _ in Interrupt.keep() }
      action.sa_flags = SA_RESTART
      unsafe sigaction(signal, &action, nil)
    }
    unsafe pthread_sigmask(SIG_UNBLOCK, &heard, nil)
  }

  /// What the handler of held signals does: nothing but what signal-safety(7) allows.
  private static func keep() {
    let saved = errno
    var byte: UInt8 = 0
    _ = unsafe write(held.inlet.load(ordering: .relaxed), &byte, 1)
    errno = saved
  }

  /// Sleeps until there is a held signal, and takes it up.
  package static func wait() {
    var byte: UInt8 = 0
    while unsafe read(held.outlet.load(ordering: .relaxed), &byte, 1) < 0, errno == EINTR {}
  }

  /// Gives the signals their default effect back.
  package static func release(_ signals: [Int32] = [SIGINT, SIGTERM]) {
    for signal in signals { _ = Glibc.signal(signal, SIG_DFL) }
  }
}
