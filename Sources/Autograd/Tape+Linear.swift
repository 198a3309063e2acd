public import Tensors

/// Frozen linear layers of one input (query, key and value; gate and up), as the base has them.
public final class FrozenLayers: Sendable {
  let weights: [FrozenWeight]
  let biases: [Matrix?]
  /// Those whose products are computed together.
  fileprivate let groups: [FrozenGroup]
  fileprivate let isPacked: Bool
  fileprivate let hasBiases: Bool

  /// Layers of weights, `(out, in)` each, and of biases, `(1, out)`.
  public init(_ layers: [(weight: FrozenWeight, bias: Matrix?)]) {
    weights = layers.map(\.weight)
    biases = layers.map(\.bias)
    let all = FrozenGroup(weights)
    groups = all.isTogether ? [all] : weights.map { FrozenGroup([$0]) }
    isPacked = groups.allSatisfy(\.isTogether)
    hasBiases = biases.contains { $0 != nil }
  }
}

/// What adapters do to a layer's rows.
public struct LayerUpdates {
  let replacements: [Replacement]
  let deltas: [LowRankDelta]

  /// These; at most one replacement for a row.
  public init(replacements: [Replacement] = [], deltas: [LowRankDelta] = []) {
    self.replacements = replacements
    self.deltas = deltas
  }

  /// Whether the products are those of packed weights alone.
  fileprivate var arePacked: Bool {
    replacements.isEmpty && deltas.allSatisfy(\.dropsNothing)
  }
}

extension Tape {
  /// The one linear function, for layers of one input.
  ///
  /// `y = residual + x W^T + bias`, with an adapter's own W or bias where it replaces them for its rows; then
  /// `y[rows] += scale * (dropout(x[rows]) A^T) B^T + shift` for each delta. Where nothing is learnt, layers are computed
  /// together: a job of the threads for all of them takes less time than one for each. The bits are the same.
  /// - Parameters:
  ///   - x: `(T, in)`.
  ///   - updates: One a layer, or none at all.
  ///   - residual: `(T, out)`. Its gradient takes over an output's buffer.
  /// - Returns: Each layer's `(T, out)`.
  public func linear(
    _ x: Variable, _ layers: FrozenLayers, _ updates: [LayerUpdates] = [],
    residual: Variable? = nil
  ) -> [Variable] {
    precondition(
      updates.isEmpty || updates.count == layers.weights.count, "linear: one update a layer")
    guard !isRecording, layers.isPacked, updates.allSatisfy(\.arePacked) else {
      return layers.weights.indices.map { layer in
        recorded(
          x, layers.weights[layer], layers.biases[layer],
          updates.isEmpty ? LayerUpdates() : updates[layer], residual)
      }
    }
    var outputs: [Variable] = []
    outputs.reserveCapacity(layers.weights.count)
    let operand = x.operand(on: self)
    for group in layers.groups {
      let range = outputs.count..<outputs.count + group.weights.count
      forward(operand, group, updates.isEmpty ? [] : updates[range], residual, to: &outputs)
    }
    guard layers.hasBiases || !updates.isEmpty else { return outputs }
    for (layer, output) in outputs.enumerated() {
      if let bias = layers.biases[layer] { output.value.addRow(bias, pool: pool) }
      if !updates.isEmpty { addShifts(of: updates[layer].deltas, to: output.value) }
    }
    return outputs
  }

  /// The same for one layer.
  /// - Parameters:
  ///   - weight: `(out, in)`, frozen: it gets no gradient.
  ///   - bias: `(1, out)`, frozen.
  ///   - replacements: Frozen too; at most one for a row.
  public func linear(
    _ x: Variable, _ weight: FrozenWeight, bias: Matrix? = nil, replacements: [Replacement] = [],
    deltas: [LowRankDelta] = [], residual: Variable? = nil
  ) -> Variable {
    linear(
      x, FrozenLayers([(weight, bias)]),
      [LayerUpdates(replacements: replacements, deltas: deltas)], residual: residual)[0]
  }

  /// Layers whose weights are packed alike, where nothing is learnt, but for biases and shifts.
  private func forward(
    _ x: Operand, _ group: FrozenGroup, _ updates: ArraySlice<LayerUpdates>,
    _ residual: Variable?, to outputs: inout [Variable]
  ) {
    // In one block of memory.
    let y = matrix(x.rows, group.outputSizes.reduce(0, +))
    group.prepare(x, isUpdated: updates.contains { !$0.deltas.isEmpty })
    group.apply(
      x, plus: groupUpdates(updates, of: group, x), onto: residual?.value, into: y,
      pool: pool)
    withExtendedLifetime(updates) {}
    var first = 0
    for size in group.outputSizes {
      outputs.append(Variable(y.part(from: first, rows: x.rows, columns: size)))
      first += x.rows * size
    }
  }

  /// What `updates` add to a group's products with `x`; nil for nothing.
  private func groupUpdates(
    _ updates: ArraySlice<LayerUpdates>, of group: FrozenGroup, _ x: Operand
  ) -> GroupUpdates? {
    // By index: a batch of many adapters has thousands of deltas, and a copy's references are counted.
    let deltas = updates.map(\.deltas)
    var (count, most, rows, rank) = (0, 0, 0, 0)
    for layer in deltas.indices {
      count += deltas[layer].count
      most = max(most, deltas[layer].count)
      for number in deltas[layer].indices {
        rows += deltas[layer][number].rows.count
        rank = max(rank, deltas[layer][number].rank)
      }
    }
    guard count > 0 else { return nil }
    var result = GroupUpdates(
      of: group, x, count: count, rows: rows, rank: rank, recycler: recycler)
    // One adapter's factors lie side by side, so its products follow each other.
    for number in 0..<most {
      for layer in deltas.indices where number < deltas[layer].count {
        result.add(
          to: layer, rows: deltas[layer][number].rows, a: deltas[layer][number].a,
          b: deltas[layer][number].b, scale: deltas[layer][number].scale)
      }
    }
    return result
  }

  /// What a delta adds to a layer's output, whose first factor's product is `low`.
  private func term(_ delta: LowRankDelta, _ low: OperandRows) -> LowRankTerm {
    LowRankTerm(
      rows: delta.rows, low: low.operand, lowRows: low.rows, factor: delta.b, .transposed)
  }

  private func addShifts(of deltas: [LowRankDelta], to y: Matrix) {
    for delta in deltas {
      if let shift = delta.shift { y.rows(delta.rows).addRow(shift, pool: pool) }
    }
  }

  /// Any layer by itself; its backward is recorded where something is learnt.
  private func recorded(
    _ x: Variable, _ weight: FrozenWeight, _ bias: Matrix?, _ updates: LayerUpdates,
    _ residual: Variable?
  ) -> Variable {
    let deltas = updates.deltas
    let count = x.shape.rows
    let y = matrix(count, weight.outputSize)
    let operand = x.operand(on: self)
    weight.prepare(operand, isUpdated: !deltas.isEmpty)
    let weights = updates.replacements.weights(of: count, own: weight)
    let lows = lows(for: deltas)
    weight.multiply(
      zip(deltas, lows).map { lowProduct(of: $0, x, into: $1) }, pool: pool)
    let terms = zip(deltas, lows).map(term)
    for run in weights {
      run.value.apply(
        operand, rows: run.rows, plus: terms.restricted(to: run.rows),
        onto: residual?.value, into: y, pool: pool)
    }
    for run in updates.replacements.biases(of: count, own: bias) {
      if let bias = run.value { y.rows(run.rows).addRow(bias, pool: pool) }
    }
    addShifts(of: deltas, to: y)

    let output = Variable(
      y,
      requiresGradient: isRecording
        && (x.requiresGradient || residual?.requiresGradient ?? false
          || deltas.contains { $0.trainable != nil })
    )
    record(output) { [self] dy in
      let gradient = Operand(dy, recycler: recycler, pool: pool)
      let lowGradients = self.lows(for: deltas)
      let needed = deltas.indices.filter { x.requiresGradient || deltas[$0].trainable != nil }
      weight.multiply(
        needed.map {
          LowRankProduct(
            gradient, rows: deltas[$0].rows, by: deltas[$0].b, .plain, scale: deltas[$0].scale,
            into: lowGradients[$0].values)
        }, pool: pool)
      let terms = needed.filter { deltas[$0].dropsNothing }.map { index in
        LowRankTerm(
          rows: deltas[index].rows, low: lowGradients[index].operand,
          lowRows: lowGradients[index].rows, factor: deltas[index].a, .plain)
      }
      accumulate(x) { dx, accumulating in
        for run in weights {
          run.value.applyTransposed(
            gradient, rows: run.rows, plus: terms.restricted(to: run.rows),
            accumulating: accumulating, into: dx, recycler: recycler, pool: pool)
        }
      }
      for index in needed {
        backward(
          deltas[index], x: x, low: lows[index], dLow: lowGradients[index], dy: gradient,
          as: weight)
      }
      if let residual { give(dy, to: residual) }
    }
    return output
  }

  /// Room for `(rows, r)` of each delta; those of one rank share an operand, so that all are narrowed at once.
  private func lows(for deltas: [LowRankDelta]) -> [OperandRows] {
    // Few ranks, most often one.
    var ranks: [(rank: Int, rows: Int)] = []
    let places = deltas.map { delta in
      let place = ranks.firstIndex { $0.rank == delta.rank } ?? ranks.count
      if place == ranks.count { ranks.append((delta.rank, 0)) }
      let first = ranks[place].rows
      ranks[place].rows += delta.rows.count
      return (rank: place, rows: first..<first + delta.rows.count)
    }
    let operands = ranks.map { Operand(matrix($0.rows, $0.rank), recycler: recycler, pool: pool) }
    return places.map { OperandRows(operands[$0.rank], $0.rows) }
  }

  /// The rows of `x` that `delta` reads, after its dropout.
  private func input(of delta: LowRankDelta, _ x: Variable) -> OperandRows {
    guard let dropout = delta.dropout, !delta.dropsNothing else {
      return OperandRows(x.operand(on: self), delta.rows)
    }
    let rows = x.value.rows(delta.rows)
    let kept = matrix(rows.rows, rows.columns)
    kept.setDropout(of: rows, probability: dropout.probability, seed: dropout.seed, pool: pool)
    return OperandRows(Operand(kept, recycler: recycler, pool: pool), 0..<kept.rows)
  }

  /// `scale * dropout(x) A^T`, `(rows, r)`.
  private func lowProduct(
    of delta: LowRankDelta, _ x: Variable, into low: OperandRows
  ) -> LowRankProduct {
    let input = input(of: delta, x)
    return LowRankProduct(
      input.operand, rows: input.rows, by: delta.a, .transposed, scale: delta.scale,
      into: low.values)
  }

  /// `dB += dy^T low`, `dA += dLow^T dropout(x)` and, where there is dropout, `dx += dropout'(dLow A)`.
  private func backward(
    _ delta: LowRankDelta, x: Variable, low: OperandRows, dLow: OperandRows, dy: Operand,
    as weight: FrozenWeight
  ) {
    if let (a, b) = delta.trainable {
      accumulate(b) {
        weight.addGradient(
          OperandRows(dy, delta.rows), low, to: $0, accumulating: $1, pool: pool)
      }
      accumulate(a) {
        weight.addGradient(dLow, input(of: delta, x), to: $0, accumulating: $1, pool: pool)
      }
    }
    guard let dx = x.gradient, let dropout = delta.dropout, !delta.dropsNothing else { return }
    let wide = matrix(delta.rows.count, x.shape.columns)
    wide.setProduct(dLow.values, .plain, delta.a.values, .plain, pool: pool)
    wide.setDropout(of: wide, probability: dropout.probability, seed: dropout.seed, pool: pool)
    dx.rows(delta.rows).add(wide, pool: pool)
  }
}

extension LowRankDelta {
  /// Whether its input is the layer's own.
  fileprivate var dropsNothing: Bool { dropout.map { $0.probability == 0 } ?? true }
}

extension [LowRankTerm] {
  /// The parts of the terms for `range`.
  fileprivate func restricted(to range: Range<Int>) -> [LowRankTerm] {
    guard contains(where: { $0.rows.clamped(to: range) != $0.rows }) else { return self }
    return compactMap { term in
      let common = term.rows.clamped(to: range)
      guard !common.isEmpty else { return nil }
      let first = term.lowRows.lowerBound + common.lowerBound - term.rows.lowerBound
      return LowRankTerm(
        rows: common, low: term.low, lowRows: first..<first + common.count, factor: term.factor,
        term.orientation)
    }
  }
}
