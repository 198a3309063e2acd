import Autograd
import Tensors
import Testing

@Suite("Linear layers of one input")
struct LayersOfOneInputTests {
  private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
    Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
  }

  @Test(
    "have the bits that each has alone where something is learnt, whatever adapters do to which rows",
    arguments: [WeightFormat.f32, .bf16, .int8], [1, 3, 5, 21, 70])
  func together(format: WeightFormat, rows: Int) throws {
    var g = SplitMix64(seed: 11)
    let pool = WorkerPool(threads: 3)
    let inputs = 96
    // Key and value are narrower, and the last of them is held in floats whatever the format.
    let layers = [160, 64, 40, 20].map { outputs in
      FrozenWeight(
        StoredRows(random(outputs, inputs, &g)), format: format, arena: WeightArena(), pool: pool)
    }
    let x = random(rows, inputs, &g)
    // No adapter, one for all rows, one for each row, two over the same rows.
    let shapes: [[Range<Int>]] = [
      [], [0..<rows], (0..<rows).map { $0..<$0 + 1 }, [0..<rows, 0..<max(1, rows / 2)],
    ]
    for adapted in shapes {
      let all = layers.map { weight in
        (
          weight: weight, bias: random(1, weight.outputSize, &g),
          deltas: adapted.enumerated().map { place, range in
            // Of different ranks: one panel of 16, and several of 32.
            let rank = [4, 40, 16][place % 3]
            return LowRankDelta(
              rows: range, a: Factor(random(rank, inputs, &g)),
              b: Factor(random(weight.outputSize, rank, &g)), scale: 0.5,
              shift: random(1, weight.outputSize, &g))
          }
        )
      }
      let tape = Tape(pool: pool, recycler: BufferRecycler(), recording: false)
      let recording = Tape(pool: pool, recycler: BufferRecycler(), recording: true)
      for count in 1...4 {
        let together = tape.linear(
          Variable(x),
          FrozenLayers(all.prefix(count).map { ($0.weight, $0.bias) }),
          all.prefix(count).map { LayerUpdates(deltas: $0.deltas) })
        for (index, layer) in all.prefix(count).enumerated() {
          let alone = recording.linear(
            Variable(x), layer.weight, bias: layer.bias, deltas: layer.deltas)
          #expect(
            together[index].value.values == alone.value.values,
            "layer \(index) of \(count), \(adapted.count) deltas")
        }
      }
    }
  }
}
