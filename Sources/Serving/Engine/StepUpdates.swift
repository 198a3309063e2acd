package import Adapters
package import Models

/// What the adapters of a step do to its rows, kept for the next: most steps have the same adapters for the same rows, and to
/// gather the updates of sixteen adapters takes 2% of a step.
package struct StepUpdates {
  private typealias Run = (adapter: ResidentAdapter, rows: Range<Int>)

  private var runs: [Run] = []
  private var batch = BatchUpdates()

  package init() {}

  /// The updates for `parts` of a batch, whose sequences have `adapters`.
  /// - Parameter slot: The only slot that is asked for; nil for all.
  package mutating func batch(
    _ parts: [SequenceRows], _ adapters: [ResidentAdapter?], at slot: Int?
  ) -> BatchUpdates {
    let runs = Self.runs(parts, adapters)
    let isSame = runs.elementsEqual(self.runs) {
      $0.rows == $1.rows && $0.adapter.digest == $1.adapter.digest
    }
    if isSame { return batch }
    var batch = BatchUpdates()
    for run in runs { run.adapter.updates.add(to: &batch, rows: run.rows, at: slot) }
    if slot == nil { (self.runs, self.batch) = (runs, batch) }
    return batch
  }

  /// One for each run of rows with the same adapter.
  private static func runs(_ parts: [SequenceRows], _ adapters: [ResidentAdapter?]) -> [Run] {
    var runs: [Run] = []
    for part in parts {
      guard let adapter = adapters[part.sequence] else { continue }
      if let last = runs.last, last.adapter.digest == adapter.digest,
        last.rows.upperBound == part.rows.lowerBound
      {
        runs[runs.count - 1].rows = last.rows.lowerBound..<part.rows.upperBound
      } else {
        runs.append((adapter, part.rows))
      }
    }
    return runs
  }
}
