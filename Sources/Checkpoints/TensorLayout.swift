/// The tensors of a model by Hugging Face's names, with the shapes that its configuration asks for.
struct TensorLayout {
  /// One tensor that the model needs.
  struct Entry {
    let name: String
    let shape: [Int]
    /// Heads whose rows llama.cpp's converter interleaves; nil for all tensors but q and k.
    var heads: Int?
  }

  /// Everything that the model needs, block by block.
  let entries: [Entry]

  init(_ model: ModelConfiguration) {
    let hidden = model.hiddenSize
    let inner = model.feedForwardSize
    let query = model.headCount * model.headSize
    let key = model.keyValueHeadCount * model.headSize
    var entries = [
      Entry(name: "model.embed_tokens.weight", shape: [model.vocabularySize, hidden]),
      Entry(name: "model.norm.weight", shape: [hidden]),
    ]
    if !model.tiedEmbeddings {
      entries.append(Entry(name: "lm_head.weight", shape: [model.vocabularySize, hidden]))
    }
    for layer in 0..<model.layerCount {
      func add(_ name: String, _ shape: [Int], heads: Int? = nil) {
        entries.append(Entry(name: "model.layers.\(layer).\(name)", shape: shape, heads: heads))
      }
      add("input_layernorm.weight", [hidden])
      add("post_attention_layernorm.weight", [hidden])
      add("self_attn.q_proj.weight", [query, hidden], heads: model.headCount)
      add("self_attn.k_proj.weight", [key, hidden], heads: model.keyValueHeadCount)
      add("self_attn.v_proj.weight", [key, hidden])
      add("self_attn.o_proj.weight", [hidden, query])
      if model.attentionBias {
        add("self_attn.q_proj.bias", [query], heads: model.headCount)
        add("self_attn.k_proj.bias", [key], heads: model.keyValueHeadCount)
        add("self_attn.v_proj.bias", [key])
      }
      if model.outputBias { add("self_attn.o_proj.bias", [hidden]) }
      if model.queryKeyNorm {
        add("self_attn.q_norm.weight", [model.headSize])
        add("self_attn.k_norm.weight", [model.headSize])
      }
      add("mlp.gate_proj.weight", [inner, hidden])
      add("mlp.up_proj.weight", [inner, hidden])
      add("mlp.down_proj.weight", [hidden, inner])
    }
    self.entries = entries
  }

  /// The Hugging Face name of the GGUF tensor `name`, or nil where the model has no place for it.
  ///
  /// llama.cpp, `gguf-py/gguf/tensor_mapping.py`.
  static func huggingFaceName(ofGGUF name: String) -> String? {
    let outside = [
      "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
      "output.weight": "lm_head.weight",
    ]
    if let found = outside[name] { return found }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "blk", let layer = Int(parts[1]), layer >= 0,
      String(layer) == parts[1], parts[3] == "weight" || parts[3] == "bias"
    else { return nil }
    let inside = [
      "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
      "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
      "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
      "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
      "ffn_down": "mlp.down_proj",
    ]
    return inside[String(parts[2])].map { "model.layers.\(layer).\($0).\(parts[3])" }
  }

  /// Where Hugging Face's row `row` stands in a q or k of llama.cpp's Llama family.
  ///
  /// Its converter turns `(heads, 2, size / 2)` into `(heads, size / 2, 2)`, so that the two halves that rotate
  /// together stand side by side.
  static func interleavedRow(_ row: Int, headSize: Int) -> Int {
    let inside = row % headSize
    return row - inside + inside % (headSize / 2) * 2 + inside / (headSize / 2)
  }
}
