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

  /// A group's layers, each with what adapters do to its rows.
  func linear(_ x: Variable, _ group: ProjectionGroup, residual: Variable? = nil) -> [Variable] {
    tape.linear(x, group.layers, updates.updates(of: group), residual: residual)
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
