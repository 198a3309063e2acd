public import Checkpoints
public import Tensors

extension Model {
  /// Builds the model of `checkpoint`: every tensor asked for by name and checked for its shape.
  /// - Parameter pool: Shares out the decoding of quantised tensors over its threads.
  /// - Throws: `FormatError` where a tensor is missing or misshapen, `ModelError` where the configuration is impossible.
  public static func load(_ checkpoint: Checkpoint, pool: WorkerPool? = nil) throws -> Model {
    let configuration = checkpoint.configuration
    let slots = SlotTable(slotList(configuration))
    func projection(_ path: String, bias: Bool) throws -> Projection {
      guard let slot = slots.index(of: path) else {
        throw ModelError(.missingTensor, "no slot at '\(path)'")
      }
      let info = slots.slots[slot]
      let weight = try checkpoint.matrix(
        path + ".weight", rows: info.outputSize, columns: info.inputSize, pool: pool)
      return Projection(
        weight: FrozenWeight(weight),
        bias: bias ? try checkpoint.vector(path + ".bias", count: info.outputSize) : nil, slot: slot
      )
    }
    func vector(_ name: String, _ count: Int) throws -> Matrix {
      try checkpoint.vector(name, count: count)
    }
    let width = configuration.hiddenSize
    let blocks = try (0..<configuration.layerCount).map { layer in
      let path = "model.layers.\(layer)"
      let normed = configuration.queryKeyNorm
      return DecoderBlock(
        inputNorm: try vector("\(path).input_layernorm.weight", width),
        query: try projection("\(path).self_attn.q_proj", bias: configuration.attentionBias),
        key: try projection("\(path).self_attn.k_proj", bias: configuration.attentionBias),
        value: try projection("\(path).self_attn.v_proj", bias: configuration.attentionBias),
        output: try projection("\(path).self_attn.o_proj", bias: configuration.outputBias),
        queryNorm: normed
          ? try vector("\(path).self_attn.q_norm.weight", configuration.headSize) : nil,
        keyNorm: normed
          ? try vector("\(path).self_attn.k_norm.weight", configuration.headSize) : nil,
        feedForwardNorm: try vector("\(path).post_attention_layernorm.weight", width),
        gate: try projection("\(path).mlp.gate_proj", bias: false),
        up: try projection("\(path).mlp.up_proj", bias: false),
        down: try projection("\(path).mlp.down_proj", bias: false))
    }
    let embedding = FrozenWeight(
      try checkpoint.matrix(
        "model.embed_tokens.weight", rows: configuration.vocabularySize, columns: width, pool: pool)
    )
    let head =
      configuration.tiedEmbeddings
      ? Projection(weight: embedding, bias: nil, slot: slots.count - 1)
      : try projection("lm_head", bias: false)
    return try Model(
      configuration: configuration, slots: slots, embedding: embedding, blocks: blocks,
      finalNorm: try vector("model.norm.weight", width), head: head)
  }

  /// Every linear layer in the order of `named_modules()`; the head last.
  static func slotList(_ configuration: ModelConfiguration) -> [SlotInfo] {
    let width = configuration.hiddenSize
    let queryWidth = configuration.headCount * configuration.headSize
    let keyWidth = configuration.keyValueHeadCount * configuration.headSize
    let inner = configuration.feedForwardSize
    let shapes: [(String, Int, Int)] = [
      ("self_attn.q_proj", width, queryWidth), ("self_attn.k_proj", width, keyWidth),
      ("self_attn.v_proj", width, keyWidth), ("self_attn.o_proj", queryWidth, width),
      ("mlp.gate_proj", width, inner), ("mlp.up_proj", width, inner),
      ("mlp.down_proj", inner, width),
    ]
    let inBlocks = (0..<configuration.layerCount).flatMap { layer in
      shapes.map { name, input, output in
        SlotInfo(
          path: "model.layers.\(layer).\(name)", inputSize: input, outputSize: output, layer: layer)
      }
    }
    return inBlocks + [
      SlotInfo(
        path: "lm_head", inputSize: width, outputSize: configuration.vocabularySize, isHead: true)
    ]
  }
}
