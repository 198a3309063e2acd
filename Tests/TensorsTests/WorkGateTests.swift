import Foundation
import Synchronization
import Tensors
import Testing

@Suite("WorkGate", .timeLimit(.minutes(10)))
struct WorkGateTests {
  @Test("a thread behind no gate passes, and so does one behind an open gate")
  func open() {
    WorkGate.pass()
    WorkGate.pass(needing: 10)
    let gate = WorkGate()
    gate.run {
      WorkGate.pass()
      WorkGate.pass(needing: 10)
    }
    #expect(!gate.isUsed)
  }

  @Test("a closed gate holds those behind it and nobody else")
  func closed() {
    let gate = WorkGate()
    gate.close()
    let worker = Worker(gate) { WorkGate.pass() }
    WorkGate.pass()
    #expect(worker.isHeld && gate.isUsed)
    gate.open()
    worker.wait()
    #expect(!gate.isUsed)
  }

  @Test("a gate that was opened for a moment closes by itself")
  func moment() {
    let gate = WorkGate()
    let passed = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    gate.close()
    let worker = Worker(gate) {
      while !isOver.load(ordering: .relaxed) {
        WorkGate.pass()
        passed.wrappingAdd(1, ordering: .relaxed)
        Thread.sleep(forTimeInterval: 0.001)
      }
    }
    var seen = 0
    // The worker may sleep through a moment; not through all of them.
    for _ in 0..<20 where seen == 0 {
      Thread.sleep(forTimeInterval: 0.05)
      #expect(passed.load(ordering: .relaxed) == 0)
      gate.open(seconds: 0.02)
      Thread.sleep(forTimeInterval: 0.05)
      seen = passed.load(ordering: .relaxed)
    }
    #expect(seen > 0)
    Thread.sleep(forTimeInterval: 0.05)
    #expect(passed.load(ordering: .relaxed) == seen)
    isOver.store(true, ordering: .relaxed)
    gate.open()
    worker.wait()
  }

  @Test("a step that needs longer than is left waits for the next opening, however short")
  func long() {
    let gate = WorkGate()
    let begun = DispatchSemaphore(value: 0)
    let worker = Worker(gate) {
      gate.open(seconds: 5)
      begun.signal()
      WorkGate.pass(needing: 1)
      WorkGate.pass(needing: 60)
    }
    begun.wait()
    #expect(worker.isHeld)
    gate.open(seconds: 0.001)
    worker.wait()
  }
}

/// A thread at work behind a gate.
private final class Worker: Sendable {
  private let ended = DispatchSemaphore(value: 0)
  private let isDone = Atomic<Bool>(false)

  init(_ gate: WorkGate, _ body: @escaping @Sendable () -> Void) {
    let begun = DispatchSemaphore(value: 0)
    Thread { [self] in
      begun.signal()
      gate.run(body)
      isDone.store(true, ordering: .sequentiallyConsistent)
      ended.signal()
    }.start()
    begun.wait()
  }

  /// Whether it has not come to its end in a while.
  var isHeld: Bool {
    Thread.sleep(forTimeInterval: 0.05)
    return !isDone.load(ordering: .sequentiallyConsistent)
  }

  func wait() { ended.wait() }
}
