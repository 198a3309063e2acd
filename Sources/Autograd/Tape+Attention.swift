public import Tensors

extension Tape {
  /// Attention within each of `segments`, whose keys and values are rows of `keys` and `values`: training.
  /// - Parameters:
  ///   - queries: `(T, heads * headSize)`, rotated.
  ///   - keys: `(T, keyValueHeads * headSize)`, rotated; `values` alike, not rotated.
  ///   - segments: One range of rows a sequence, from position 0.
  /// - Returns: `(T, heads * headSize)`.
  public func attention(
    _ attention: Attention, queries: Variable, keys: Variable, values: Variable,
    segments: [Range<Int>]
  ) -> Variable {
    let parts = segments.map {
      AttentionSegment(
        rows: $0, firstPosition: 0, keys: keys.value.rows($0), values: values.value.rows($0))
    }
    let y = matrix(queries.value.rows, queries.value.columns)
    let output = result(y, of: queries, keys, values)
    let logSums = output.requiresGradient ? matrix(y.rows, attention.heads) : nil
    attention.forward(
      queries: queries.value, segments: parts, into: y, logSums: logSums, recycler: recycler,
      pool: pool)
    record(output) { [self] dy in
      guard let logSums else { return }
      let dQueries = matrix(y.rows, y.columns)
      let dKeys = matrix(keys.value.rows, keys.value.columns)
      let dValues = matrix(keys.value.rows, keys.value.columns)
      dKeys.fill(0)
      dValues.fill(0)
      attention.backward(
        dy: dy, output: y, logSums: logSums, queries: queries.value, segments: parts,
        dQueries: dQueries, dKeys: dKeys, dValues: dValues, recycler: recycler, pool: pool)
      give(dQueries, to: queries)
      give(dKeys, to: keys)
      give(dValues, to: values)
    }
    return output
  }

  /// Attention to keys and values kept from earlier steps: inference.
  public func attention(
    _ attention: Attention, queries: Variable, cached segments: [AttentionSegment]
  ) -> Variable {
    precondition(!isRecording, "Tape: cached keys take no gradient")
    let y = matrix(queries.value.rows, queries.value.columns)
    attention.forward(
      queries: queries.value, segments: segments, into: y, logSums: nil, recycler: recycler,
      pool: pool)
    return Variable(y)
  }
}
