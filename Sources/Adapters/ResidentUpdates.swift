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
    let lowRank = updates.lowRank
    // A weight in place of the base's own is held in floats, and so is what is added to its product.
    let packed = lowRank.filter { slot, _ in
      updates.weights[slot] == nil && model.readsPackedFactors(at: slot)
    }
    // In the order of a forward pass: a group's A, then its B, behind which the next group's A lies.
    let groups = model.slotGroups.map { $0.filter { packed[$0] != nil } }.filter { !$0.isEmpty }
    func size(_ group: [Int], _ factor: KeyPath<LowRank, Matrix>) -> Int {
      group.reduce(0) { $0 + (packed[$1].map { Factor.packedSize($0[keyPath: factor]) } ?? 0) }
    }
    let packedBytes = groups.reduce(0) { $0 + size($1, \.a) + size($1, \.b) }
    let arena = WeightArena(blockSize: packedBytes)
    if WorkGate.current != nil { arena.prepare(pausing: WorkGate.pass(needing:)) }
    var made: [Int: (a: Factor, b: Factor)] = [:]
    for (index, group) in groups.enumerated() {
      WorkGate.pass()
      let updates = group.compactMap { packed[$0] }
      let a = updates.map { Factor(packing: $0.a, in: arena) }
      let next = index + 1 < groups.count ? size(groups[index + 1], \.a) : 0
      let b = updates.indices.map {
        Factor(packing: updates[$0].b, behind: $0 == updates.count - 1 ? next : 0, in: arena)
      }
      for (place, slot) in group.enumerated() { made[slot] = (a[place], b[place]) }
    }
    var floats = Floats(areCopied: !packed.isEmpty)
    deltas = lowRank.sorted { $0.key < $1.key }.map { slot, update in
      Delta(
        update, at: slot,
        made[slot] ?? (Factor(floats.kept(update.a)), Factor(floats.kept(update.b))))
    }
    replacements = Set(updates.weights.keys).union(updates.biases.keys).sorted().map { slot in
      let weight = updates.weights[slot].map { FrozenWeight(floats.kept($0)) }
      let bias = updates.biases[slot].map { floats.kept($0) }
      return (slot, Replacement(rows: 0..<0, weight: weight, bias: bias))
    }
    let left = packed.values.reduce(updates.parameterCount) { $0 - $1.a.count - $1.b.count }
    byteCount = packedBytes + left * 4
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

/// What stays in floats, maybe copied, so that the file that it lies in can go.
private struct Floats {
  let areCopied: Bool
  private var copies: [(of: Matrix, copy: Matrix)] = []

  init(areCopied: Bool) { self.areCopied = areCopied }

  /// `values` as they are kept; the same for the same.
  mutating func kept(_ values: Matrix) -> Matrix {
    guard areCopied else { return values }
    if let known = copies.first(where: { $0.of.isSame(as: values) }) { return known.copy }
    let copy = values.copied()
    copies.append((values, copy))
    return copy
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

  init(_ update: LowRank, at slot: Int, _ factors: (a: Factor, b: Factor)) {
    self.slot = slot
    (a, b) = factors
    scale = update.scale
    shift = update.bias?.copied()
    shift?.scale(by: scale)
  }
}
