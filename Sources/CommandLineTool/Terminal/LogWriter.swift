import Dispatch
import Foundation
import Glibc
import Synchronization

/// A server's log: lines go to a descriptor on a thread of their own, so that nobody who serves waits for whoever reads them.
///
/// Of lines that come faster than they are read, those beyond a bound are dropped, and it says how many. Where nothing can be
/// written any more, all are.
package final class LogWriter: Sendable {
  private struct State {
    var lines: [String] = []
    var dropped = 0
    var isEnding = false
  }

  private static let mostWaiting = 10_000
  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// A log on `descriptor`.
  package init(_ descriptor: Int32) {
    let thread = Thread { [self] in work(descriptor) }
    thread.name = "log"
    thread.start()
  }

  /// Writes a line, in its turn.
  package func write(_ line: String) {
    let isTaken = state.withLock { state in
      guard !state.isEnding else { return false }
      guard state.lines.count < Self.mostWaiting else {
        state.dropped += 1
        return false
      }
      state.lines.append(line)
      return true
    }
    if isTaken { bell.signal() }
  }

  /// Writes what waits, for so many seconds at most, and nothing any more.
  package func finish(within seconds: Double) {
    state.withLock { $0.isEnding = true }
    bell.signal()
    _ = ended.wait(timeout: .now() + seconds)
  }

  private func work(_ descriptor: Int32) {
    var isEnding = false
    while !isEnding {
      bell.wait()
      var (lines, dropped): ([String], Int)
      (lines, dropped, isEnding) = state.withLock { state in
        defer { (state.lines, state.dropped) = ([], 0) }
        return (state.lines, state.dropped, state.isEnding)
      }
      if dropped > 0 {
        lines.append("\(dropped) lines more were not written: nobody read them in time")
      }
      if !lines.isEmpty {
        _ = Console.writeAll(lines.joined(separator: "\n") + "\n", to: descriptor)
      }
    }
    ended.signal()
  }
}
