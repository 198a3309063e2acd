import Adapters
import Models
import Training

/// What an adapter takes to be trained, beside the base and the batch.
package struct TrainingMemory {
  /// The largest rank.
  private let rank: Int
  private let layers: Int
  /// Values that are trained.
  private let values: Int

  /// Each value is there with its gradient, two moments and what products read of it.
  private static let bytesOfValue = 4 + 4 + 8 + 8

  /// An adapter of `rank` on `layers` layers, of so many values.
  package init(rank: Int, layers: Int, values: Int) {
    (self.rank, self.layers, self.values) = (rank, layers, values)
  }

  init(_ selection: TargetSelection, of slots: SlotTable) {
    self.init(
      rank: selection.targets.map(\.rank).max() ?? 0, layers: selection.targets.count,
      values: selection.targets.reduce(0) { sum, target in
        let slot = slots.slots[target.slot]
        return sum + target.rank * (slot.inputSize + slot.outputSize)
      })
  }

  /// Refuses what this machine has no memory for, before any of it is taken.
  /// - Parameter available: What the machine has left; nil where it does not say.
  package func check(available: Int? = AvailableMemory().bytes) throws(TrainingError) {
    guard let available, values > available / Self.bytesOfValue else { return }
    let needed = values / 1_000_000 * Self.bytesOfValue
    throw TrainingError(
      .badRecipe,
      "an adapter of rank \(rank) on \(layers) layers has \(values / 1_000_000) million values; to train it takes some "
        + "\(needed) MB of memory, where \(available / 1_000_000) MB are left; choose a smaller rank, or fewer target modules"
    )
  }
}
