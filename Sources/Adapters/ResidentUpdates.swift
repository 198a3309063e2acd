import Autograd
public import Models
import Tensors

/// An adapter's updates as forward passes over one model read them: factors packed where its weights are.
public struct ResidentUpdates: Sendable {
  private let deltas: [Delta]
  private let replacements: [(slot: Int, replacement: Replacement)]
  /// Bytes held.
  public let byteCount: Int

  /// `updates`, made ready for `model`; by default none, which is the base alone.
  public init(_ updates: AdapterUpdates = AdapterUpdates(), for model: Model) {
    let lowRank = updates.lowRank.sorted { $0.key < $1.key }
    // A weight in place of the base's own is held in floats, and so is what is added to its product.
    let packed = Set(
      lowRank.map(\.key).filter {
        updates.weights[$0] == nil && model.readsPackedFactors(at: $0)
      })
    let packedBytes = lowRank.reduce(0) { sum, entry in
      packed.contains(entry.key) ? sum + entry.value.packedSize : sum
    }
    let arena = WeightArena(blockSize: packedBytes)
    // In the order of a forward pass: what lies behind a layer's B is the next one's A.
    let next = lowRank.dropFirst().map { packed.contains($0.key) ? $0.value.a : nil } + [nil]
    deltas = zip(lowRank, next).map { entry, next in
      Delta(
        entry.value, at: entry.key, before: next, packedIn: packed.contains(entry.key) ? arena : nil
      )
    }
    replacements = Set(updates.weights.keys).union(updates.biases.keys).sorted().map { slot in
      let weight = updates.weights[slot].map { FrozenWeight($0) }
      return (slot, Replacement(rows: 0..<0, weight: weight, bias: updates.biases[slot]))
    }
    let floats =
      updates.parameterCount
      - lowRank.reduce(0) { sum, entry in
        packed.contains(entry.key) ? sum + entry.value.a.count + entry.value.b.count : sum
      }
    byteCount = packedBytes + floats * 4
  }

  /// These updates for `rows` of a batch.
  public func applied(to rows: Range<Int>) -> BatchUpdates {
    var batch = BatchUpdates()
    add(to: &batch, rows: rows)
    return batch
  }

  /// Adds these updates, for `rows`, to those that a batch has for other rows.
  /// - Parameter slot: The only slot that is asked for; nil for all.
  public func add(to batch: inout BatchUpdates, rows: Range<Int>, at slot: Int? = nil) {
    for delta in deltas where slot == nil || slot == delta.slot {
      batch.deltas[delta.slot, default: []].append(
        LowRankDelta(
          rows: rows, a: delta.a, b: delta.b, scale: delta.scale, shift: delta.shift))
    }
    for entry in replacements where slot == nil || slot == entry.slot {
      var replacement = entry.replacement
      replacement.rows = rows
      batch.replacements[entry.slot, default: []].append(replacement)
    }
  }
}

/// A low-rank update as the one linear function takes it.
private struct Delta: Sendable {
  let slot: Int
  let a: Factor
  let b: Factor
  let scale: Float
  /// The bias of B times the scale.
  let shift: Matrix?

  /// - Parameters:
  ///   - next: What will be packed behind its factors.
  ///   - arena: Where the factors are packed; nil leaves them floats.
  init(_ update: LowRank, at slot: Int, before next: Matrix?, packedIn arena: WeightArena?) {
    func factor(_ values: Matrix, before next: Matrix?) -> Factor {
      arena.map { Factor(packing: values, before: next, in: $0) } ?? Factor(values)
    }
    self.slot = slot
    (a, b) = (factor(update.a, before: update.b), factor(update.b, before: next))
    scale = update.scale
    shift = update.bias?.copied()
    shift?.scale(by: scale)
  }
}

extension LowRank {
  fileprivate var packedSize: Int {
    Factor.packedSize(rows: a.rows, columns: a.columns)
      + Factor.packedSize(rows: b.rows, columns: b.columns)
  }
}
