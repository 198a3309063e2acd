import Adapters
import Autograd
import Checkpoints
import Expect
import Foundation
import Models
import Tensors
import Testing

@Suite("An adapter in memory")
struct ResidentAdapterTests {
  private func model(_ weights: WeightFormat) throws -> Model {
    try Model.load(
      try Checkpoint.open(path: Fixtures.url("models/smollm2").path), weights: weights)
  }

  /// Random updates of every linear layer, large enough to be heard.
  private func adapter(rank: Int, over model: Model) throws -> Adapter {
    let configuration = LoRAConfiguration(rank: rank, alpha: 32, targets: .allLinear)
    let start = try TargetSelection(configuration, slots: model.slots)
      .initialDeltas(slots: model.slots, seed: 3)
    var generator = SplitMix64(seed: 5)
    var deltas: [Int: LowRank] = [:]
    for (slot, delta) in start.sorted(by: { $0.key < $1.key }) {
      let b = (0..<delta.b.count).map { _ in generator.uniform() - 0.5 }
      deltas[slot] = LowRank(
        a: delta.a, b: Matrix(rows: delta.b.rows, columns: rank, b), scale: delta.scale)
    }
    return try Adapter(
      configuration: configuration, baseFingerprint: Goldens.base, slots: model.slots,
      deltas: deltas)
  }

  private func logits(_ model: Model, _ updates: BatchUpdates) throws -> [Float] {
    let tape = Tape(pool: WorkerPool(threads: 2), recycler: BufferRecycler(), recording: false)
    let hidden = try model.hiddenStates(
      RaggedBatch(sequences: [[1, 7, 30, 9], [2, 5, 5], [8, 1, 4, 60, 3]]), updates: updates,
      on: tape)
    return model.logits(hidden, updates: updates, on: tape).value.values
  }

  @Test(
    "answers to the same bits as its floats, in any company",
    arguments: [WeightFormat.bf16, .int8], [2, 16, 40])
  func bits(weights: WeightFormat, rank: Int) throws {
    let model = try model(weights)
    let adapter = try adapter(rank: rank, over: model)
    var updates = BatchUpdates()
    for (slot, delta) in adapter.deltas {
      for rows in [0..<4, 4..<7, 7..<12] {
        updates.deltas[slot, default: []].append(
          LowRankDelta(rows: rows, a: Factor(delta.a), b: Factor(delta.b), scale: delta.scale))
      }
    }
    let expected = try logits(model, updates)
    let resident = ResidentAdapter(adapter, for: model)
    #expect(try logits(model, resident.updates.applied(to: 0..<12)) == expected)
    // Twelve, one a row, and each of an adapter of its own.
    var apart = BatchUpdates()
    for row in 0..<12 {
      ResidentAdapter(adapter, for: model).updates.add(to: &apart, rows: row..<row + 1)
    }
    #expect(try logits(model, apart) == expected)
    #expect(try logits(model, BatchUpdates()) != expected)
    #expect(resident.digest == adapter.digest)
  }

  @Test("keeps what it has besides factors over packed weights", arguments: WholeGolden.names)
  func whole(name: String) throws {
    let golden = try WholeGolden(name)
    let model = try Model.load(
      try Checkpoint.open(path: Fixtures.url("models/" + golden.base).path), weights: .bf16)
    let adapter = try PEFT.read(
      directory: golden.folder, baseFingerprint: Goldens.base, slots: model.slots)
    let rows = 0..<12
    var updates = BatchUpdates()
    for (slot, delta) in adapter.deltas {
      let shift = delta.bias?.copied()
      shift?.scale(by: delta.scale)
      updates.deltas[slot] = [
        LowRankDelta(
          rows: rows, a: Factor(delta.a), b: Factor(delta.b), scale: delta.scale, shift: shift)
      ]
    }
    let whole = adapter.updates
    for slot in Set(whole.weights.keys).union(whole.biases.keys) {
      updates.replacements[slot] = [
        Replacement(
          rows: rows, weight: whole.weights[slot].map { FrozenWeight($0) },
          bias: whole.biases[slot])
      ]
    }
    let resident = ResidentAdapter(adapter, for: model)
    #expect(try logits(model, resident.updates.applied(to: rows)) == logits(model, updates))
    #expect(try logits(model, updates) != logits(model, BatchUpdates()))
  }

  @Test("takes bf16 where the base's weights are packed, and floats where they are not")
  func bytes() throws {
    let rank = 16
    let floats = try model(.f32)
    let adapter = try adapter(rank: rank, over: floats)
    #expect(
      ResidentAdapter(adapter, for: floats).byteCount == adapter.parameterCount * 4)
    let packed = try model(.bf16)
    // The key's and value's 16 outputs are fewer than a panel has, so these two are floats.
    let expected = packed.slots.slots.indices.reduce(0) { sum, slot in
      guard let delta = adapter.deltas[slot] else { return sum }
      let values = delta.a.count + delta.b.count
      guard delta.b.rows >= 32 else { return sum + values * 4 }
      // Inputs beyond 32 and outputs in whole panels of 32.
      let inputs = (delta.a.columns + 31) / 32 * 32
      let outputs = (delta.b.rows + 31) / 32 * 32
      return sum + (rank * inputs + rank * outputs) * 2
    }
    #expect(ResidentAdapter(adapter, for: packed).byteCount == expected)
  }
}
