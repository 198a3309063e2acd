import Dispatch
import Foundation
import Synchronization

/// A few threads that run what may block, such as the server's handler, and a bounded queue before them.
final class HandlerPool: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var stopped = false
  }

  private let state = Mutex(State())
  private let waiting = DispatchSemaphore(value: 0)
  private let threads: Int
  private let capacity: Int

  init(threads: Int, capacity: Int, name: String = "http-handler") {
    self.threads = threads
    self.capacity = capacity
    for number in 1...threads {
      let thread = Thread { [self] in work() }
      thread.name = "\(name)-\(number)"
      thread.start()
    }
  }

  /// Whether a job may be submitted. With one thread that submits, as here, it stays so until it does.
  var hasRoom: Bool { state.withLock { $0.jobs.count < capacity && !$0.stopped } }

  /// Runs `job` on one of the threads, after those that came before it; false where there is no room for it.
  @discardableResult
  func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      guard state.jobs.count < capacity, !state.stopped else { return false }
      state.jobs.append(job)
      return true
    }
    if isTaken { waiting.signal() }
    return isTaken
  }

  /// Lets the threads end after the job in hand, and drops the jobs that wait. Does not wait for them.
  func stop() {
    let dropped = state.withLock { state in
      state.stopped = true
      defer { state.jobs = [] }
      return state.jobs
    }
    for _ in 0..<threads { waiting.signal() }
    withExtendedLifetime(dropped) {}  // freed outside the lock: exchanges answer as they go
  }

  private func work() {
    while true {
      waiting.wait()
      let (job, stopped) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.stopped)
      }
      if let job { job() } else if stopped { return }
    }
  }
}
