public import Tensors

/// The loss of a batch, and what an evaluation wants to know besides.
public struct CrossEntropyResult: Sendable {
  /// The loss of each row, in nats.
  public var losses: [Float]
  /// Whether each row's target had the largest logit.
  public var right: [Bool]
}

extension Tape {
  /// The cross-entropy of `targets` under the logits `x W^T` (with what adapters do to the head), row by row.
  ///
  /// Logits are made, turned into their gradient and dropped a chunk of rows at a time; the `(T, vocabulary)`
  /// matrix never exists. A recording tape is left seeded with `d(gradientScale * sum(losses))/dx`.
  /// - Parameters:
  ///   - x: Final hidden states of the rows that have a target, `(T, D)`.
  ///   - head: `(vocabulary, D)`, frozen.
  ///   - gradientScale: `1 / (target tokens)` for the mean loss.
  public func crossEntropy(
    _ x: Variable, head: FrozenWeight, replacements: [Replacement] = [],
    deltas: [LowRankDelta] = [], targets: [Int32], gradientScale: Float, chunk: Int = 96
  ) -> CrossEntropyResult {
    precondition(targets.count == x.value.rows, "crossEntropy: one target a row")
    var result = CrossEntropyResult(losses: [], right: [])
    let trainable = deltas.contains { $0.trainable != nil }
    let needsGradient = isRecording && (x.requiresGradient || trainable)
    let gradient = needsGradient && x.requiresGradient ? matrix(x.value.rows, x.value.columns) : nil
    for start in stride(from: 0, to: targets.count, by: chunk) {
      let rows = start..<min(targets.count, start + chunk)
      let part = Variable(x.value.rows(rows), requiresGradient: gradient != nil)
      let tape = Tape(pool: pool, recycler: recycler, recording: needsGradient)
      let logits = tape.linear(
        part, head, replacements: replacements.compactMap { $0.restricted(to: rows) },
        deltas: deltas.compactMap { $0.restricted(to: rows) })
      let (losses, right) = logits.value.crossEntropy(
        targets: Array(targets[rows]), gradientScale: needsGradient ? gradientScale : 0, pool: pool)
      result.losses += losses
      result.right += right
      guard needsGradient else { continue }
      part.gradient = gradient.map { chunk in
        let view = chunk.rows(rows)
        view.fill(0)
        return view
      }
      tape.seed(logits, with: logits.value)
      tape.backward()
    }
    if let gradient { seed(x, with: gradient) }
    return result
  }
}
