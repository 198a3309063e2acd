import Autograd
import Foundation
import Lorikeet
import Models
import Tensors

extension Benchmark {
  /// One curve: its name, what it is called in the plot, and the numbers that it goes over.
  private struct Curve {
    let name: String
    let title: String
    let counts: [Int]
    let measure: (LoadedBase, Int) throws -> Double
  }

  /// `curve/NAME/COUNT`, in tokens a second; only where they are asked for, since they take minutes.
  func curveEntries() -> [Entry] {
    guard options.only.hasPrefix("curve") else { return [] }
    return curves().flatMap { curve in
      curve.counts.map { count in
        Entry(name: "curve/\(curve.name)/\(count)", unit: "tokens/s") { [workspace, options] in
          let base = try workspace.openBase(options.base, weights: options.weights)
          return try curve.measure(base, count)
        }
      }
    }
  }

  /// What was measured, by rows, by context and by adapters.
  func curvePlot(_ medians: [String: Double]) -> GrowthPlot {
    GrowthPlot(
      title: "Speed as work grows",
      lines: curves().map { curve in
        GrowthPlot.Line(
          title: curve.title,
          points: curve.counts.compactMap { count in
            medians["curve/\(curve.name)/\(count)"].map { (count, $0) }
          })
      }.filter { !$0.points.isEmpty }, countTitle: "rows, or tokens of context, or adapters",
      unit: "tok/s", decades: ((0, 4), (1, 4)))
  }

  private func curves() -> [Curve] {
    [
      Curve(
        name: "rows", title: "forward, by rows", counts: (0...11).map { 1 << $0 },
        measure: forward),
      Curve(
        name: "context", title: "one stream, by context", counts: (4...12).map { 1 << $0 },
        measure: decode),
      Curve(
        name: "adapters", title: "64 streams, by adapters", counts: (0...6).map { 1 << $0 }
      ) { base, adapters in
        try self.decode(base, streams: 64, adapters: adapters)
      },
    ]
  }

  /// Rows a second through all blocks, in sequences of up to 128 tokens.
  private func forward(_ base: LoadedBase, rows: Int) throws -> Double {
    var batch = RaggedBatch()
    for start in stride(from: 0, to: rows, by: 128) {
      batch.append(prompt(min(128, rows - start), start))
    }
    let tape = Tape(pool: workspace.pool, recycler: curveRecycler, recording: false)
    let repeats = max(1, 64 / rows)
    let time = try seconds {
      for _ in 0..<repeats { _ = try base.model.hiddenStates(batch, on: tape) }
    }
    return Double(rows * repeats) / time
  }

  /// Tokens a second of one stream that has `context` tokens behind it.
  private func decode(_ base: LoadedBase, context: Int) throws -> Double {
    let cache = try base.model.makeCache(capacity: context + 32)
    var sequences = [DecodingSequence(cache: cache, pending: prompt(context))]
    func advance() throws {
      _ = try base.model.advance(
        &sequences, rowLimit: 512, updates: { _, _ in BatchUpdates() }, pool: workspace.pool,
        recycler: curveRecycler)
    }
    while !sequences[0].pending.isEmpty { try advance() }
    let tokens = 16
    let time = try seconds {
      for _ in 0..<tokens {
        sequences[0].pending = [7]
        try advance()
      }
    }
    return Double(tokens) / time
  }
}
