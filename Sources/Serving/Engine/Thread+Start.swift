import Foundation
import Glibc

extension Thread {
  /// Starts a thread called `name`, of at most 15 bytes.
  /// - Parameter isBehind: Whether it runs only where the other threads leave time.
  static func start(_ name: String, isBehind: Bool = false, _ body: @escaping @Sendable () -> Void)
  {
    let thread = Thread {
      // On Linux a thread has its own nice value.
      if isBehind { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
      body()
    }
    thread.name = name
    thread.stackSize = 4 << 20
    thread.start()
  }
}
