public import Checkpoints
public import Tensors

extension Model {
  /// Builds the model of `checkpoint`: every tensor asked for by name and checked for its shape.
  /// - Parameters:
  ///   - weights: How its matrices are held and multiplied.
  ///   - packed: The checkpoint's, packed as `weights` says before; nil packs them now.
  ///   - pool: Shares out decoding and packing over its threads.
  /// - Throws: `FormatError` where a tensor is missing or misshapen, `ModelError` where the configuration is impossible.
  public static func load(
    _ checkpoint: Checkpoint, weights: WeightFormat = .f32, packed: PackedWeights? = nil,
    pool: WorkerPool? = nil
  ) throws -> Model {
    let configuration = checkpoint.configuration
    let slots = SlotTable(slotList(configuration), tiesHead: configuration.tiedEmbeddings)
    func index(_ path: String) throws -> Int {
      guard let slot = slots.index(of: path) else {
        throw ModelError(.missingTensor, "no slot at '\(path)'")
      }
      return slot
    }
    let arena = WeightArena()
    func weight(_ path: String, _ outputs: Int, _ inputs: Int) throws -> FrozenWeight {
      let name = path + ".weight"
      let rows = try checkpoint.rows(of: name, rows: outputs, columns: inputs)
      if let bytes = packed?[name] {
        return FrozenWeight(rows, format: weights, packed: bytes)
      }
      return FrozenWeight(rows, format: weights, arena: arena, pool: pool)
    }
    // Copies, so that packed weights do not keep the file in memory for the sake of its norms.
    func vector(_ name: String, _ count: Int) throws -> Matrix {
      try checkpoint.vector(name, count: count).copied()
    }
    func projection(_ path: String) throws -> Projection {
      let slot = try index(path)
      let info = slots.slots[slot]
      return Projection(
        weight: try weight(path, info.outputSize, info.inputSize),
        bias: info.hasBias ? try vector(path + ".bias", info.outputSize) : nil,
        slot: slot)
    }
    let width = configuration.hiddenSize
    let blocks = try (0..<configuration.layerCount).map { layer in
      let path = "model.layers.\(layer)"
      let normed = configuration.queryKeyNorm
      return DecoderBlock(
        inputNorm: try vector("\(path).input_layernorm.weight", width),
        query: try projection("\(path).self_attn.q_proj"),
        key: try projection("\(path).self_attn.k_proj"),
        value: try projection("\(path).self_attn.v_proj"),
        output: try projection("\(path).self_attn.o_proj"),
        queryNorm: normed
          ? try vector("\(path).self_attn.q_norm.weight", configuration.headSize) : nil,
        keyNorm: normed
          ? try vector("\(path).self_attn.k_norm.weight", configuration.headSize) : nil,
        feedForwardNorm: try vector("\(path).post_attention_layernorm.weight", width),
        gate: try projection("\(path).mlp.gate_proj"),
        up: try projection("\(path).mlp.up_proj"),
        down: try projection("\(path).mlp.down_proj"))
    }
    let embedding = try weight(embeddingPath, configuration.vocabularySize, width)
    let head =
      configuration.tiedEmbeddings
      ? Projection(weight: embedding, bias: nil, slot: try index("lm_head"))
      : try projection("lm_head")
    return try Model(
      configuration: configuration, slots: slots, weights: weights,
      embedding: Projection(weight: embedding, bias: nil, slot: try index(embeddingPath)),
      blocks: blocks, finalNorm: try vector("model.norm.weight", width), head: head)
  }

  private static let embeddingPath = "model.embed_tokens"

  /// Every linear layer in the order of `named_modules()`; then the head, and last, so that the indices of the others are
  /// those that training states name, the embedding.
  static func slotList(_ configuration: ModelConfiguration) -> [SlotInfo] {
    let width = configuration.hiddenSize
    let queryWidth = configuration.headCount * configuration.headSize
    let keyWidth = configuration.keyValueHeadCount * configuration.headSize
    let inner = configuration.feedForwardSize
    let (bias, outputBias) = (configuration.attentionBias, configuration.outputBias)
    let shapes: [(String, Int, Int, Bool)] = [
      ("self_attn.q_proj", width, queryWidth, bias), ("self_attn.k_proj", width, keyWidth, bias),
      ("self_attn.v_proj", width, keyWidth, bias),
      ("self_attn.o_proj", queryWidth, width, outputBias),
      ("mlp.gate_proj", width, inner, false), ("mlp.up_proj", width, inner, false),
      ("mlp.down_proj", inner, width, false),
    ]
    let inBlocks = (0..<configuration.layerCount).flatMap { layer in
      shapes.map { name, input, output, hasBias in
        SlotInfo(
          path: "model.layers.\(layer).\(name)", inputSize: input, outputSize: output,
          hasBias: hasBias, layer: layer)
      }
    }
    let vocabulary = configuration.vocabularySize
    return inBlocks + [
      SlotInfo(path: "lm_head", inputSize: width, outputSize: vocabulary, kind: .head),
      SlotInfo(path: embeddingPath, inputSize: vocabulary, outputSize: width, kind: .embedding),
    ]
  }
}
