public import Autograd
public import Checkpoints
public import Tensors

/// A frozen decoder: weights that never change after loading, shared by every thread and every adapter.
public final class Model: Sendable {
  /// What the checkpoint says of it.
  public let configuration: ModelConfiguration
  /// Where adapters can attach.
  public let slots: SlotTable
  /// How its weights are held and multiplied.
  public let weights: WeightFormat
  let embedding: Projection
  let blocks: [DecoderBlock]
  let finalNorm: Matrix
  let head: Projection
  /// The head by itself.
  private let headGroup: ProjectionGroup
  let rotary: RotaryTable
  private let projections: [Int: Projection]
  let attention: Attention

  init(
    configuration: ModelConfiguration, slots: SlotTable, weights: WeightFormat,
    embedding: Projection, blocks: [DecoderBlock], finalNorm: Matrix, head: Projection
  ) throws(ModelError) {
    self.configuration = configuration
    self.slots = slots
    self.weights = weights
    self.embedding = embedding
    self.blocks = blocks
    self.finalNorm = finalNorm
    self.head = head
    headGroup = ProjectionGroup([head])
    projections = Dictionary(
      uniqueKeysWithValues: ([head, embedding] + blocks.flatMap(\.projections)).map {
        ($0.slot, $0)
      })
    rotary = try RotaryTable(configuration)
    attention = Attention(
      heads: configuration.headCount, keyValueHeads: configuration.keyValueHeadCount,
      headSize: configuration.headSize, window: configuration.slidingWindow,
      format: Self.attentionFormat(beside: weights))
  }

  /// Whether forward passes read an adapter's factors at `slot` packed, and never as floats.
  public func readsPackedFactors(at slot: Int) -> Bool {
    slot != embedding.slot && (projection(at: slot)?.weight.isPacked ?? false)
  }

  /// The slots of the linear layers in the order of a forward pass, those of one input together.
  public var slotGroups: [[Int]] {
    blocks.flatMap { $0.groups.map { $0.map(\.slot) } } + [[head.slot]]
  }

  /// What the base has at `slot`.
  func projection(at slot: Int) -> Projection? { projections[slot] }

  /// An empty cache for one sequence.
  /// - Parameter capacity: Positions that there is room for at first. Room that is not used takes no memory, so ask for all
  ///   that the sequence may come to.
  /// - Throws: `TensorError` where the system has no room for so many addresses.
  public func makeCache(capacity: Int = 64) throws(TensorError) -> KeyValueCache {
    try KeyValueCache(cacheShape, capacity: capacity)
  }

  /// Bytes that the keys and values of `tokens` take in one sequence's cache.
  public func cacheBytes(tokens: Int) -> Int { cacheShape.byteCount(tokens) }

  /// Attention that loses no more than products with such weights do.
  private static func attentionFormat(beside weights: WeightFormat) -> AttentionFormat {
    switch weights {
    case .f32: .f32
    case .native: .f16
    case .bf16, .int8: .bf16
    }
  }

  private var cacheShape: KeyValueShape {
    KeyValueShape(
      layers: configuration.layerCount, heads: configuration.keyValueHeadCount,
      headSize: configuration.headSize, format: attention.format)
  }

  /// The final hidden states, normalised, of the rows in `wanted` (all, if nil).
  /// - Parameters:
  ///   - batch: `T` rows.
  ///   - updates: What adapters do to the batch's rows.
  ///   - caches: One a segment, which holds the positions before the segment's first; or none at all, and then
  ///     every segment's prefix does.
  ///   - wanted: Rows to return, in that order; a row may stand several times.
  ///   - recomputing: Whether to keep a block's input only and run the block again in the backward.
  /// - Returns: `(wanted.count, hiddenSize)`.
  /// - Throws: `ModelError` where a token is not in the vocabulary, a segment and its cache do not join, or a cache cannot grow.
  public func hiddenStates(
    _ batch: RaggedBatch, updates: BatchUpdates = BatchUpdates(), caches: [KeyValueCache] = [],
    wanted: [Int]? = nil, recomputing: Bool = false, on tape: Tape
  ) throws(ModelError) -> Variable {
    try check(batch, caches)
    do {
      for (segment, cache) in zip(batch.segments, caches) {
        try cache.makeRoom(for: cache.count + segment.rows.count)
      }
    } catch { throw ModelError(.noMemory, error.message) }
    let (cosine, sine) = rotary.angles(at: batch.positions, recycler: tape.recycler)
    let pass = ForwardPass(
      tape: tape, batch: batch, attention: attention, epsilon: configuration.rmsNormEpsilon,
      cosine: cosine, sine: sine, updates: updates, caches: caches)
    var x = tape.embedding(
      batch.tokens, embedding.weight, replacements: updates.replacements(at: embedding.slot),
      deltas: updates.deltas(at: embedding.slot))
    for (layer, block) in blocks.enumerated() {
      guard recomputing else {
        x = block.forward(x, layer: layer, pass: pass)
        continue
      }
      x = tape.recomputing(x, isTrainable: block.slots.contains { updates.deltas[$0] != nil }) {
        block.forward($1, layer: layer, pass: pass.on($0))
      }
    }
    for (segment, cache) in zip(batch.segments, caches) { cache.advance(by: segment.rows.count) }
    if let wanted, !wanted.elementsEqual(0..<batch.rowCount) { x = tape.rows(wanted, of: x) }
    return tape.rmsNorm(x, weight: finalNorm, epsilon: configuration.rmsNormEpsilon)
  }

  /// The logits of hidden states: `(T, vocabularySize)`.
  /// - Parameter updates: What adapters do to the rows of `hidden`.
  public func logits(_ hidden: Variable, updates: BatchUpdates = BatchUpdates(), on tape: Tape)
    -> Variable
  {
    tape.linear(hidden, headGroup.layers, updates.updates(of: headGroup))[0]
  }

  /// The cross-entropy of `targets` after `hidden`, which leaves a recording tape ready for its backward.
  /// - Parameters:
  ///   - updates: What adapters do to the rows of `hidden`.
  ///   - chunk: Rows whose logits are made at once.
  public func loss(
    _ hidden: Variable, targets: [Int32], gradientScale: Float,
    updates: BatchUpdates = BatchUpdates(), chunk: Int = 96, on tape: Tape
  ) -> CrossEntropyResult {
    tape.crossEntropy(
      hidden, head: head.weight, replacements: updates.replacements(at: head.slot),
      deltas: updates.deltas(at: head.slot), targets: targets, gradientScale: gradientScale,
      chunk: chunk)
  }

  private func check(_ batch: RaggedBatch, _ caches: [KeyValueCache]) throws(ModelError) {
    for token in batch.tokens
    where token < 0 || Int(token) >= configuration.vocabularySize {
      throw ModelError(
        .badToken,
        "token \(token) is not in the model's vocabulary of \(configuration.vocabularySize)")
    }
    precondition(caches.isEmpty || caches.count == batch.segments.count, "one cache a segment")
    for (index, segment) in batch.segments.enumerated() {
      precondition(
        segment.prefix.allSatisfy { $0.upperBound <= segment.rows.lowerBound },
        "a segment's prefix does not stand before it")
      precondition(caches.isEmpty || segment.prefix.isEmpty, "a segment has a cache and a prefix")
      let held =
        caches.isEmpty ? segment.prefix.reduce(0) { $0 + $1.count } : caches[index].count
      precondition(
        segment.firstPosition == held, "a segment does not follow its cache or its prefix")
    }
  }
}
