public import Tensors

extension Tape {
  /// The one linear function: a frozen weight, its bias, each adapter's delta for its rows, a residual.
  ///
  /// `y = residual + x W^T + bias`, with an adapter's own W or bias where it replaces them for its rows; then
  /// `y[rows] += scale * (dropout(x[rows]) A^T) B^T + shift` for each delta.
  /// - Parameters:
  ///   - x: `(T, in)`.
  ///   - weight: `(out, in)`, frozen: it gets no gradient.
  ///   - bias: `(1, out)`, frozen.
  ///   - replacements: Frozen too; at most one for a row.
  ///   - residual: `(T, out)`. Its gradient takes over this output's buffer.
  /// - Returns: `(T, out)`.
  public func linear(
    _ x: Variable, _ weight: FrozenWeight, bias: Matrix? = nil, replacements: [Replacement] = [],
    deltas: [LowRankDelta] = [], residual: Variable? = nil
  ) -> Variable {
    let count = x.value.rows
    let y = matrix(count, weight.outputSize)
    if let residual { y.copy(from: residual.value) }
    let weights = replacements.weights(of: count, own: weight)
    for run in weights {
      run.value.apply(
        x.value.rows(run.rows), into: y.rows(run.rows), accumulating: residual != nil, pool: pool)
    }
    for run in replacements.biases(of: count, own: bias) {
      if let bias = run.value { y.rows(run.rows).addRow(bias, pool: pool) }
    }
    let applied = deltas.map { apply($0, to: x.value, addingTo: y) }

    let trainable =
      isRecording && deltas.contains { $0.a.requiresGradient || $0.b.requiresGradient }
    let output = Variable(
      y,
      requiresGradient: isRecording
        && (x.requiresGradient || residual?.requiresGradient ?? false || trainable))
    record(output) { [self] dy in
      accumulate(x) { dx, accumulating in
        for run in weights {
          run.value.applyTransposed(
            dy.rows(run.rows), into: dx.rows(run.rows), accumulating: accumulating, pool: pool)
        }
      }
      for (delta, low) in zip(deltas, applied) { backward(delta, x: x, low: low, dy: dy) }
      if let residual { give(dy, to: residual) }
    }
    return output
  }

  /// The rows of `x` that `delta` reads, after its dropout.
  private func input(of delta: LowRankDelta, _ x: Matrix) -> Matrix {
    let rows = x.rows(delta.rows)
    guard let dropout = delta.dropout, dropout.probability > 0 else { return rows }
    let kept = matrix(rows.rows, rows.columns)
    kept.setDropout(of: rows, probability: dropout.probability, seed: dropout.seed, pool: pool)
    return kept
  }

  /// Adds one delta to `y`; returns `scale * dropout(x) A^T`, `(rows, r)`.
  private func apply(_ delta: LowRankDelta, to x: Matrix, addingTo y: Matrix) -> Matrix {
    let low = matrix(delta.rows.count, delta.a.value.rows)
    low.setProduct(
      input(of: delta, x), .plain, delta.a.value, .transposed, scale: delta.scale, pool: pool)
    let target = y.rows(delta.rows)
    target.setProduct(low, .plain, delta.b.value, .transposed, accumulating: true, pool: pool)
    if let shift = delta.shift { target.addRow(shift, pool: pool) }
    return low
  }

  /// `dB += dy^T low`; with `dLow = scale * dy B`: `dA += dLow^T dropout(x)` and `dx += dropout'(dLow A)`.
  private func backward(_ delta: LowRankDelta, x: Variable, low: Matrix, dy: Matrix) {
    let dyRows = dy.rows(delta.rows)
    accumulate(delta.b) {
      $0.setProduct(dyRows, .transposed, low, .plain, accumulating: $1, pool: pool)
    }
    guard delta.a.requiresGradient || x.requiresGradient else { return }
    let dLow = matrix(low.rows, low.columns)
    dLow.setProduct(dyRows, .plain, delta.b.value, .plain, scale: delta.scale, pool: pool)
    accumulate(delta.a) {
      $0.setProduct(
        dLow, .transposed, input(of: delta, x.value), .plain, accumulating: $1, pool: pool)
    }
    guard x.requiresGradient, let dx = x.gradient else { return }
    let target = dx.rows(delta.rows)
    guard let dropout = delta.dropout, dropout.probability > 0 else {
      return target.setProduct(dLow, .plain, delta.a.value, .plain, accumulating: true, pool: pool)
    }
    let wide = matrix(target.rows, target.columns)
    wide.setProduct(dLow, .plain, delta.a.value, .plain, pool: pool)
    wide.setDropout(of: wide, probability: dropout.probability, seed: dropout.seed, pool: pool)
    target.add(wide, pool: pool)
  }
}
