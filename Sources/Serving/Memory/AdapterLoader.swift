import Foundation
import Synchronization

/// Loads adapters one after the other on a thread of its own, behind the threads that answer: in the rests that they take
/// after each step.
final class AdapterLoader: Sendable {
  typealias Completion = @Sendable (Result<PinnedAdapter, any Error>) -> Void

  private struct State {
    var waiting: [(source: AdapterSource, completion: Completion)] = []
    var isStopped = false
  }

  private let pool: AdapterPool
  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)

  init(pool: AdapterPool) {
    self.pool = pool
    Thread.start("lorikeet-load", isBehind: true) { [self] in work() }
  }

  /// Loads the adapter of `source`, in its turn, and calls `completion` on the loader's thread.
  func load(_ source: AdapterSource, completion: @escaping Completion) {
    state.withLock { $0.waiting.append((source, completion)) }
    bell.signal()
  }

  /// Ends the thread after the adapter that it is at; those that wait are not loaded any more, and it says so.
  func stop() {
    let left = state.withLock { state in
      state.isStopped = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for next in left {
      next.completion(.failure(ServingError(.stopping, "the server is stopping")))
    }
    bell.signal()
  }

  private func work() {
    while true {
      bell.wait()
      let (next, isStopped) = state.withLock { state in
        (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isStopped)
      }
      if isStopped { return }
      guard let next else { continue }
      next.completion(Result { try pool.pin(next.source.digest, load: next.source.load) })
    }
  }
}
