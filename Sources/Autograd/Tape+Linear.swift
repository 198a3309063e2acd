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
    let weights = replacements.weights(of: count, own: weight)
    let products = deltas.map { lowProduct(of: $0, x) }
    weight.multiply(products, recycler: recycler, pool: pool)
    let lows = products.map(\.low)
    let terms = zip(deltas, lows).map {
      LowRankTerm(rows: $0.rows, low: $1, factor: $0.factorB, .transposed)
    }
    for run in weights {
      run.value.apply(
        operand(x), rows: run.rows, plus: terms.compactMap { $0.restricted(to: run.rows) },
        onto: residual?.value, into: y, recycler: recycler, pool: pool)
    }
    for run in replacements.biases(of: count, own: bias) {
      if let bias = run.value { y.rows(run.rows).addRow(bias, pool: pool) }
    }
    for delta in deltas {
      if let shift = delta.shift { y.rows(delta.rows).addRow(shift, pool: pool) }
    }

    let trainable =
      isRecording && deltas.contains { $0.a.requiresGradient || $0.b.requiresGradient }
    let output = Variable(
      y,
      requiresGradient: isRecording
        && (x.requiresGradient || residual?.requiresGradient ?? false || trainable))
    record(output) { [self] dy in
      let gradient = Operand(dy, recycler: recycler)
      let lowGradients = lowGradients(of: deltas, x, gradient, as: weight)
      let terms = zip(deltas, lowGradients).compactMap { delta, low -> LowRankTerm? in
        guard let low, delta.dropsNothing else { return nil }
        return LowRankTerm(rows: delta.rows, low: low, factor: delta.factorA, .plain)
      }
      accumulate(x) { dx, accumulating in
        for run in weights {
          run.value.applyTransposed(
            gradient, rows: run.rows, plus: terms.compactMap { $0.restricted(to: run.rows) },
            accumulating: accumulating, into: dx, recycler: recycler, pool: pool)
        }
      }
      for (index, delta) in deltas.enumerated() {
        backward(
          delta, x: x, low: lows[index], dLow: lowGradients[index], dy: dy, as: weight)
      }
      if let residual { give(dy, to: residual) }
    }
    return output
  }

  /// `x` as a factor, with the copies that earlier products made of it.
  private func operand(_ x: Variable) -> Operand {
    if let operand = x.operand { return operand }
    let operand = Operand(x.value, recycler: recycler)
    x.operand = operand
    return operand
  }

  /// The rows of `x` that `delta` reads, after its dropout.
  private func input(of delta: LowRankDelta, _ x: Matrix) -> Matrix {
    let rows = x.rows(delta.rows)
    guard let dropout = delta.dropout, dropout.probability > 0 else { return rows }
    let kept = matrix(rows.rows, rows.columns)
    kept.setDropout(of: rows, probability: dropout.probability, seed: dropout.seed, pool: pool)
    return kept
  }

  /// `scale * dropout(x) A^T`, `(rows, r)`.
  private func lowProduct(of delta: LowRankDelta, _ x: Variable) -> LowRankProduct {
    let (operand, rows) =
      delta.dropsNothing
      ? (operand(x), delta.rows)
      : (Operand(input(of: delta, x.value), recycler: recycler), 0..<delta.rows.count)
    return LowRankProduct(
      operand, rows: rows, by: delta.factorA, .transposed, scale: delta.scale,
      into: matrix(delta.rows.count, delta.a.value.rows))
  }

  /// `scale * dy B`, `(rows, r)`, for each delta where anything needs it.
  private func lowGradients(
    of deltas: [LowRankDelta], _ x: Variable, _ dy: Operand, as weight: FrozenWeight
  ) -> [Matrix?] {
    let lows = deltas.map { delta in
      delta.a.requiresGradient || x.requiresGradient
        ? matrix(delta.rows.count, delta.a.value.rows) : nil
    }
    let products = zip(deltas, lows).compactMap { delta, low in
      low.map {
        LowRankProduct(
          dy, rows: delta.rows, by: delta.factorB, .plain, scale: delta.scale, into: $0)
      }
    }
    weight.multiply(products, recycler: recycler, pool: pool)
    return lows
  }

  /// `dB += dy^T low`, `dA += dLow^T dropout(x)` and, where there is dropout, `dx += dropout'(dLow A)`.
  private func backward(
    _ delta: LowRankDelta, x: Variable, low: Matrix, dLow: Matrix?, dy: Matrix,
    as weight: FrozenWeight
  ) {
    accumulate(delta.b) {
      weight.addGradient(dy.rows(delta.rows), low, to: $0, accumulating: $1, pool: pool)
    }
    guard let dLow else { return }
    accumulate(delta.a) {
      weight.addGradient(
        dLow, input(of: delta, x.value), to: $0, accumulating: $1, pool: pool)
    }
    guard let dx = x.gradient, let dropout = delta.dropout, !delta.dropsNothing else { return }
    let wide = matrix(delta.rows.count, x.value.columns)
    wide.setProduct(dLow, .plain, delta.a.value, .plain, pool: pool)
    wide.setDropout(of: wide, probability: dropout.probability, seed: dropout.seed, pool: pool)
    dx.rows(delta.rows).add(wide, pool: pool)
  }
}

extension LowRankDelta {
  /// Whether its input is the layer's own.
  fileprivate var dropsNothing: Bool { dropout.map { $0.probability == 0 } ?? true }
}

extension LowRankTerm {
  /// The part of the term for `range`; nil where there is none.
  fileprivate func restricted(to range: Range<Int>) -> LowRankTerm? {
    let common = rows.clamped(to: range)
    guard !common.isEmpty else { return nil }
    guard common != rows else { return self }
    let first = common.lowerBound - rows.lowerBound
    return LowRankTerm(
      rows: common, low: low.rows(first..<first + common.count), factor: factor, orientation)
  }
}
