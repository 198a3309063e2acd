public import Tensors

extension Tape {
  /// The rows of an embedding for `tokens`, with what adapters do to it.
  ///
  /// `y[t] = W[token t]`, with an adapter's own W where it replaces it for its rows; then
  /// `y[t] += scale * B A[:, token t]` for each delta. The delta is a linear layer's for an input that is one at the token
  /// and zero elsewhere, so A is `(r, vocabulary)` and B `(D, r)`; it is frozen here, without dropout.
  /// - Parameters:
  ///   - tokens: Each in the vocabulary.
  ///   - weight: `(vocabulary, D)`, frozen.
  /// - Returns: `(tokens.count, D)`.
  public func embedding(
    _ tokens: [Int32], _ weight: FrozenWeight, replacements: [Replacement] = [],
    deltas: [LowRankDelta] = []
  ) -> Variable {
    let y = matrix(tokens.count, weight.inputSize)
    for run in replacements.weights(of: tokens.count, own: weight) {
      run.value.gather(Array(tokens[run.rows]), into: y.rows(run.rows))
    }
    for delta in deltas {
      precondition(
        delta.trainable == nil, "embedding: deltas are frozen")
      let low = matrix(delta.rows.count, delta.rank)
      for (row, token) in tokens[delta.rows].enumerated() {
        for k in 0..<low.columns { low[row, k] = delta.scale * delta.a.values[k, Int(token)] }
      }
      y.rows(delta.rows).setProduct(
        low, .plain, delta.b.values, .transposed, accumulating: true, pool: pool)
    }
    return Variable(y)
  }
}
