public import Tensors

extension Tape {
  /// Attention of each of `segments` to its keys and values, which are rows of `keys` and `values`: training.
  ///
  /// Several segments may go on after the same rows; each one's gradients are made by itself and then added to
  /// those rows in the segments' order, so that the sums do not depend on the number of threads.
  /// - Parameters:
  ///   - queries: `(T, heads * headSize)`, rotated.
  ///   - keys: `(T, keyValueHeads * headSize)`, rotated; `values` alike, not rotated.
  ///   - segments: For each, the ranges of rows that hold its keys from position 0 on. The last of them are its
  ///     own, whose queries attend; every row is some segment's own.
  /// - Returns: `(T, heads * headSize)`.
  public func attention(
    _ attention: Attention, queries: Variable, keys: Variable, values: Variable,
    segments: [[Range<Int>]]
  ) -> Variable {
    let y = matrix(queries.value.rows, queries.value.columns)
    let output = result(y, of: queries, keys, values)
    // Always there, so that one row alone goes the same way, to the same bits, whether it is recorded or not.
    let logSums = matrix(y.rows, attention.heads)
    attention.forward(
      queries: queries.value, segments: parts(segments, keys.value, values.value), into: y,
      logSums: logSums, recycler: recycler, pool: pool)
    record(output) { [self] dy in
      let dQueries = matrix(y.rows, y.columns)
      let dKeys = SegmentGradients(segments, like: keys.value, recycler)
      let dValues = SegmentGradients(segments, like: values.value, recycler)
      // Joined again rather than kept: copies are cheap, and memory is not.
      attention.backward(
        dy: dy, output: y, logSums: logSums, queries: queries.value,
        segments: parts(segments, keys.value, values.value), dQueries: dQueries,
        dKeys: dKeys.parts, dValues: dValues.parts, recycler: recycler, pool: pool)
      give(dQueries, to: queries)
      give(dKeys.added(pool), to: keys)
      give(dValues.added(pool), to: values)
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

  private func parts(_ segments: [[Range<Int>]], _ keys: Matrix, _ values: Matrix)
    -> [AttentionSegment]
  {
    segments.map { runs in
      let own = runs[runs.count - 1]
      return AttentionSegment(
        rows: own, firstPosition: runs.dropLast().reduce(0) { $0 + $1.count },
        keys: joined(runs, of: keys), values: joined(runs, of: values))
    }
  }

  /// The rows of `runs`, one below the other: a view where they are so already, else a copy.
  private func joined(_ runs: [Range<Int>], of x: Matrix) -> Matrix {
    if runs.count == 1 { return x.rows(runs[0]) }
    let whole = matrix(runs.reduce(0) { $0 + $1.count }, x.columns)
    for (run, place) in places(of: runs) { whole.rows(place).copy(from: x.rows(run)) }
    return whole
  }
}

/// The gradient of keys, or of values, with a part for each segment to write.
private struct SegmentGradients {
  private let whole: Matrix
  private let segments: [[Range<Int>]]
  /// For each segment a matrix of the shape of its keys: rows of the whole where nothing comes before its own.
  let parts: [Matrix]

  init(_ segments: [[Range<Int>]], like x: Matrix, _ recycler: BufferRecycler) {
    let whole = Matrix(repeating: 0, rows: x.rows, columns: x.columns, recycler: recycler)
    self.whole = whole
    self.segments = segments
    parts = segments.map { runs in
      runs.count == 1
        ? whole.rows(runs[0])
        : Matrix(
          repeating: 0, rows: runs.reduce(0) { $0 + $1.count }, columns: x.columns,
          recycler: recycler)
    }
  }

  /// The whole, with every segment's part added to the rows that it stands for.
  func added(_ pool: WorkerPool) -> Matrix {
    for (runs, part) in zip(segments, parts) where runs.count > 1 {
      for (run, place) in places(of: runs) { whole.rows(run).add(part.rows(place), pool: pool) }
    }
    return whole
  }
}

/// Each of `runs` and where it stands in all of them joined.
private func places(of runs: [Range<Int>]) -> [(run: Range<Int>, place: Range<Int>)] {
  var end = 0
  return runs.map { run in
    end += run.count
    return (run, end - run.count..<end)
  }
}
