import Dispatch
import Synchronization

/// Checks made on other threads, all processors at once, while the caller goes on with its own work.
final class BackgroundCheck: Sendable {
  private let group = DispatchGroup()
  private let complaint = Mutex<String?>(nil)

  /// Begins `count` checks; each returns nil, or what it complains of.
  init(count: Int, _ check: @escaping @Sendable (Int) -> String?) {
    DispatchQueue.global().async(group: group) {
      DispatchQueue.concurrentPerform(iterations: count) { index in
        guard let found = check(index) else { return }
        self.complaint.withLock { $0 = min($0 ?? found, found) }
      }
    }
  }

  /// Waits for all of them: the first complaint in the order of the alphabet.
  func wait() -> String? {
    group.wait()
    return complaint.withLock { $0 }
  }
}
