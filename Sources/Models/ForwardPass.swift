import Autograd
import Tensors

/// What every block of one forward pass shares: the tape, the batch's positions, its adapters and its caches.
struct ForwardPass {
  let tape: Tape
  let batch: RaggedBatch
  let attention: Attention
  let epsilon: Float
  let cosine: Matrix
  let sine: Matrix
  /// What adapters do to its rows.
  let updates: BatchUpdates
  /// One cache a segment, or none at all (training).
  let caches: [KeyValueCache]

  /// The same pass on another tape.
  func on(_ tape: Tape) -> ForwardPass {
    ForwardPass(
      tape: tape, batch: batch, attention: attention, epsilon: epsilon, cosine: cosine, sine: sine,
      updates: updates, caches: caches)
  }

  func linear(_ x: Variable, _ projection: Projection, residual: Variable? = nil) -> Variable {
    tape.linear(
      x, projection.weight, bias: projection.bias,
      replacements: updates.replacements(at: projection.slot),
      deltas: updates.deltas(at: projection.slot), residual: residual)
  }

  /// Several layers of one input.
  func linear(_ x: Variable, _ projections: [Projection]) -> [Variable] {
    tape.linear(
      x,
      projections.map {
        LinearLayer(
          $0.weight, bias: $0.bias, replacements: updates.replacements(at: $0.slot),
          deltas: updates.deltas(at: $0.slot))
      })
  }

  /// Each segment's queries over its own keys and values, after those that its prefix or its cache holds.
  func attend(layer: Int, queries: Variable, keys: Variable, values: Variable) -> Variable {
    guard !caches.isEmpty else {
      return tape.attention(
        attention, queries: queries, keys: keys, values: values,
        segments: batch.segments.map { $0.prefix + [$0.rows] })
    }
    let parts = zip(caches, batch.segments).map {
      $0.segment(layer: layer, rows: $1.rows, keys: keys.value, values: values.value)
    }
    return tape.attention(attention, queries: queries, cached: parts)
  }
}
