import Adapters
import Autograd
import Models
import Serving
import Testing

@Suite("Updates of a step")
struct StepUpdatesTests {
  /// Which rows an adapter changes at a slot, and by how much.
  private func told(_ batch: BatchUpdates, at slot: Int) -> [[Int]] {
    (batch.deltas[slot] ?? []).map { [$0.rows.lowerBound, $0.rows.upperBound, $0.rank] }
  }

  @Test("are those of this step's adapters and rows, whatever the step before had")
  func follow() throws {
    let toy = try ToyEngine()
    let adapters = try [2, 3, 5].map { toy.resident(try toy.adapter(UInt64($0), rank: $0)) }
    let slot = 0
    var updates = StepUpdates()
    let steps: [(parts: [SequenceRows], adapters: [ResidentAdapter?], expected: [[Int]])] = [
      ([(0, 0..<1), (1, 1..<2)], [adapters[0], adapters[1]], [[0, 1, 2], [1, 2, 3]]),
      ([(0, 0..<1), (1, 1..<2)], [adapters[0], adapters[1]], [[0, 1, 2], [1, 2, 3]]),
      // Another version at the same rows.
      ([(0, 0..<1), (1, 1..<2)], [adapters[0], adapters[2]], [[0, 1, 2], [1, 2, 5]]),
      // A prompt's piece before the same adapters' rows; the base between.
      (
        [(0, 0..<7), (1, 7..<8), (2, 8..<9)], [adapters[0], nil, adapters[2]],
        [[0, 7, 2], [8, 9, 5]]
      ),
      // Neighbours of one adapter are one run.
      ([(0, 0..<1), (1, 1..<2)], [adapters[1], adapters[1]], [[0, 2, 3]]),
      ([], [], []),
      ([(1, 0..<1)], [nil, adapters[1]], [[0, 1, 3]]),
    ]
    for step in steps {
      let batch = updates.batch(step.parts, step.adapters, at: nil)
      #expect(told(batch, at: slot) == step.expected)
      #expect(
        batch.deltas.keys.count
          == (step.expected.isEmpty ? 0 : toy.engine.model.slots.slots.count - 2))
    }
  }

  @Test("of one slot alone are no others, and do not pass for a whole step's")
  func oneSlot() throws {
    let toy = try ToyEngine()
    let adapter = toy.resident(try toy.adapter(2))
    var updates = StepUpdates()
    let some = updates.batch([(0, 0..<1)], [adapter], at: 3)
    #expect(Array(some.deltas.keys) == [3])
    let all = updates.batch([(0, 0..<1)], [adapter], at: nil)
    #expect(all.deltas.count > 1)
  }
}
