import Tensors

extension ModelConfiguration {
  /// Reads the metadata of a GGUF model file; what is not supported is refused by name.
  ///
  /// A converted Mistral says "llama", and llama.cpp's converter keeps its sliding window only as
  /// `llama.attention.sliding_window`, where it keeps it at all.
  public init(gguf file: GGUFFile) throws(FormatError) {
    let fields = try GGUFFields(file)
    try fields.refuseUnsupported()
    let tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    guard let embedding = tensors["token_embd.weight"] else {
      throw FormatError(.missingTensor, "the GGUF file has no tensor 'token_embd.weight'")
    }
    let hidden = try fields.size("embedding_length")
    let heads = try fields.size("attention.head_count")
    let headSize = try fields.size("attention.key_length", default: hidden / heads)
    guard try fields.size("attention.value_length", default: headSize) == headSize else {
      throw fields.unsupported("keys and values of different sizes")
    }
    guard try fields.size("rope.dimension_count", default: headSize) == headSize else {
      throw fields.unsupported("rotating only a part of each head")
    }
    self.init(
      architecture: fields.architecture, hiddenSize: hidden,
      layerCount: try fields.size("block_count"), headCount: heads,
      keyValueHeadCount: try fields.size("attention.head_count_kv", default: heads),
      headSize: headSize, feedForwardSize: try fields.size("feed_forward_length"),
      vocabularySize: embedding.shape[0], contextLength: try fields.size("context_length"),
      rmsNormEpsilon: Float(try fields.positive("attention.layer_norm_rms_epsilon")),
      ropeBase: try fields.positive("rope.freq_base", default: 10_000),
      ropeScaling: try fields.ropeScaling(
        factors: tensors["rope_freqs.weight"], headSize: headSize),
      slidingWindow: try fields.optionalSize("attention.sliding_window"),
      tiedEmbeddings: tensors["output.weight"] == nil,
      // What an architecture always has must not depend on the file having it.
      attentionBias: fields.architecture == .qwen2 || tensors["blk.0.attn_q.bias"] != nil,
      outputBias: tensors["blk.0.attn_output.bias"] != nil,
      queryKeyNorm: fields.architecture == .qwen3,
      endOfSequence: try fields.endOfSequence(),
      beginOfSequence: try fields.token("tokenizer.ggml.bos_token_id"))
    try validate("the GGUF metadata")
  }
}

/// Typed access to the metadata under the architecture's prefix.
private struct GGUFFields {
  let architecture: Architecture
  private let metadata: [String: GGUFValue]
  private var prefix: String { architecture.rawValue + "." }

  init(_ file: GGUFFile) throws(FormatError) {
    metadata = file.metadata
    guard let name = file.metadata["general.architecture"]?.stringValue else {
      throw FormatError(.malformed, "the GGUF metadata have no general.architecture")
    }
    guard let known = Architecture(rawValue: name), known != .mistral else {
      throw FormatError(
        .unsupported,
        "the GGUF architecture '\(shown(name))' is not supported; llama, qwen2 and qwen3 are")
    }
    architecture = known
  }

  func unsupported(_ what: String) -> FormatError {
    FormatError(.unsupported, "the GGUF metadata ask for \(what), which is not supported")
  }

  func refuseUnsupported() throws(FormatError) {
    if let type = metadata["general.type"]?.stringValue, type != "model" {
      throw FormatError(.unsupported, "the GGUF file holds a '\(shown(type))', not a model")
    }
    if let parts = metadata["split.count"]?.intValue, parts > 1 {
      throw unsupported("a model split over \(parts) files")
    }
    if let experts = metadata[prefix + "expert_count"]?.intValue, experts > 0 {
      throw unsupported("a mixture of \(experts) experts")
    }
  }

  func size(_ key: String, default fallback: Int? = nil) throws(FormatError) -> Int {
    guard let value = metadata[prefix + key] else {
      if let fallback { return fallback }
      throw FormatError(.malformed, "the GGUF metadata have no \(prefix + key)")
    }
    if value.arrayValue != nil { throw unsupported("a \(prefix + key) for each layer") }
    guard let size = value.intValue, (1...Int(Int32.max)).contains(size) else {
      throw FormatError(.malformed, "the GGUF metadata's \(prefix + key) is no positive integer")
    }
    return size
  }

  func optionalSize(_ key: String) throws(FormatError) -> Int? {
    // llama.cpp writes 0 for "no window".
    guard let value = metadata[prefix + key], value.intValue != 0 else { return nil }
    return try size(key)
  }

  func positive(_ key: String, default fallback: Double? = nil) throws(FormatError) -> Double {
    guard let value = metadata[prefix + key] else {
      if let fallback { return fallback }
      throw FormatError(.malformed, "the GGUF metadata have no \(prefix + key)")
    }
    guard let number = value.doubleValue, number > 0, number.isFinite else {
      throw FormatError(.malformed, "the GGUF metadata's \(prefix + key) is no positive number")
    }
    return number
  }

  func token(_ key: String) throws(FormatError) -> Int? {
    guard let value = metadata[key] else { return nil }
    guard let token = value.intValue else {
      throw FormatError(.malformed, "the GGUF metadata's \(key) is no token id")
    }
    // llama.cpp's null token is -1, stored in 32 bits.
    return token < 0 || token == Int(UInt32.max) ? nil : token
  }

  /// The tokens that end an answer: of the text, of a turn, of a message.
  func endOfSequence() throws(FormatError) -> [Int] {
    var tokens: [Int] = []
    for name in ["eos", "eot", "eom"] {
      if let token = try token("tokenizer.ggml.\(name)_token_id"), !tokens.contains(token) {
        tokens.append(token)
      }
    }
    return tokens
  }

  func ropeScaling(factors: StoredTensor?, headSize: Int) throws(FormatError) -> RopeScaling {
    let type = metadata[prefix + "rope.scaling.type"]?.stringValue
    // Files of before `rope.scaling` say `rope.scale_linear`.
    let old = metadata[prefix + "rope.scale_linear"] != nil
    var scaling = RopeScaling.none
    switch type ?? (old ? "linear" : "none") {
    case "none": break
    case "linear":
      let factor = try positive(type == nil ? "rope.scale_linear" : "rope.scaling.factor")
      scaling = factor == 1 ? .none : .linear(factor: factor)
    case let other:
      throw unsupported("the rotary scaling '\(shown(other))'")
    }
    guard let factors else { return scaling }
    guard scaling == .none else { throw unsupported("two rotary scalings at once") }
    guard factors.shape == [headSize / 2] else {
      throw FormatError(
        .badShape,
        "the tensor 'rope_freqs.weight' has the shape \(factors.shape) where [\(headSize / 2)] is expected"
      )
    }
    let values = factors.matrix(rows: 1, columns: headSize / 2).values
    guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw FormatError(.malformed, "the tensor 'rope_freqs.weight' holds a bad factor")
    }
    return .factors(values)
  }
}
