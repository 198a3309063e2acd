import JSON

extension ModelConfiguration {
  /// Reads Hugging Face's `config.json`, in the spelling of transformers 5 or of the versions before it.
  ///
  /// What changes the mathematics and is not supported is refused by name.
  /// - Parameters:
  ///   - huggingFace: The text of `config.json`.
  ///   - generation: The text of `generation_config.json`, whose tokens that end a sequence are added.
  public init(
    huggingFace configuration: [UInt8], generation: [UInt8]? = nil
  ) throws(FormatError) {
    let fields = try ConfigurationFields(file: "config.json", parsing: configuration)
    let architecture = try ModelConfiguration.architecture(fields)
    try ModelConfiguration.refuseUnsupported(fields)
    let hidden = try fields.size("hidden_size")
    let heads = try fields.size("num_attention_heads")
    let layers = try fields.size("num_hidden_layers")
    // Where a field is missing, transformers' own default of that family holds.
    let keyValueHeads = try fields.size(
      "num_key_value_heads", default: architecture == .mistral ? 8 : heads)
    let headSize = try fields.size(
      "head_dim", default: architecture == .qwen3 ? 128 : hidden / heads)
    let bias = try fields.flag("attention_bias")
    let context = try fields.size(
      "max_position_embeddings",
      default: architecture == .llama ? 2048 : architecture == .mistral ? 131_072 : 32_768)
    self.init(
      architecture: architecture, hiddenSize: hidden, layerCount: layers, headCount: heads,
      keyValueHeadCount: keyValueHeads, headSize: headSize,
      feedForwardSize: try fields.size("intermediate_size"),
      vocabularySize: try fields.size("vocab_size"), contextLength: context,
      rmsNormEpsilon: Float(try fields.positive("rms_norm_eps", default: 1e-6)),
      ropeBase: try ModelConfiguration.ropeBase(fields),
      ropeScaling: try ModelConfiguration.ropeScaling(fields),
      slidingWindow: try ModelConfiguration.window(fields, architecture, layers: layers),
      tiedEmbeddings: try fields.flag("tie_word_embeddings"),
      // Qwen2 always has biases and does not say so; Mistral never has.
      attentionBias: architecture == .qwen2 || (architecture != .mistral && bias),
      outputBias: (architecture == .llama || architecture == .qwen3) && bias,
      queryKeyNorm: architecture == .qwen3,
      endOfSequence: try fields.tokens("eos_token_id"),
      beginOfSequence: try fields.tokens("bos_token_id").first)
    if let generation {
      let more = try ConfigurationFields(file: "generation_config.json", parsing: generation)
      for token in try more.tokens("eos_token_id") where !endOfSequence.contains(token) {
        endOfSequence.append(token)
      }
    }
    try validate("config.json")
  }

  /// Checks what every configuration must satisfy, whatever file it came from.
  func validate(_ file: String) throws(FormatError) {
    func bad(_ reason: String) -> FormatError { FormatError(.malformed, "\(file): \(reason)") }
    guard layerCount <= 10_000 else { throw bad("\(layerCount) layers") }
    guard headCount % keyValueHeadCount == 0 else {
      throw bad("\(headCount) query heads cannot share \(keyValueHeadCount) key and value heads")
    }
    guard headSize > 0, headSize % 2 == 0, headSize <= 65_536, headCount <= 65_536 else {
      throw bad("\(headCount) heads of size \(headSize)")
    }
    guard rmsNormEpsilon > 0, rmsNormEpsilon.isFinite, ropeBase > 0, ropeBase.isFinite else {
      throw bad("epsilon \(rmsNormEpsilon), rotary base \(ropeBase)")
    }
    for token in endOfSequence + (beginOfSequence.map { [$0] } ?? [])
    where !(0..<vocabularySize).contains(token) {
      throw bad("the special token \(token) lies outside the vocabulary of \(vocabularySize)")
    }
  }

  private static func architecture(_ fields: ConfigurationFields) throws(FormatError)
    -> Architecture
  {
    guard let type = try fields.string("model_type") else {
      throw fields.fault("model_type is missing")
    }
    guard let architecture = Architecture(rawValue: type) else {
      let known = Architecture.allCases.map(\.rawValue).joined(separator: ", ")
      throw fields.fault(
        "the architecture '\(shown(type))' is not supported; these are: \(known)", .unsupported)
    }
    return architecture
  }

  private static func refuseUnsupported(_ fields: ConfigurationFields) throws(FormatError) {
    for key in ["hidden_act", "hidden_activation"] {
      if let activation = try fields.string(key), activation != "silu", activation != "swish" {
        throw fields.fault("\(key) '\(shown(activation))' is not supported; silu is", .unsupported)
      }
    }
    if try fields.flag("mlp_bias") {
      throw fields.fault("mlp_bias is not supported", .unsupported)
    }
    if fields["quantization_config"] != nil {
      throw fields.fault(
        "quantised weights (quantization_config) are not supported; F32, F16, BF16 are",
        .unsupported)
    }
    if let part = fields["partial_rotary_factor"]?.doubleValue, part != 1 {
      throw fields.fault("partial_rotary_factor \(part) is not supported", .unsupported)
    }
  }

  private static func ropeBase(_ fields: ConfigurationFields) throws(FormatError) -> Double {
    let outside = try fields.positive("rope_theta", default: 10_000)  // transformers' default
    guard let rope = try fields.fields("rope_parameters") else { return outside }
    return try rope.positive("rope_theta", default: outside)
  }

  private static func ropeScaling(_ fields: ConfigurationFields) throws(FormatError) -> RopeScaling
  {
    let key = fields["rope_parameters"] == nil ? "rope_scaling" : "rope_parameters"
    guard let rope = try fields.fields(key) else { return .none }
    if rope["full_attention"] != nil || rope["sliding_attention"] != nil {
      throw rope.fault(
        "rotary parameters that differ between layers are not supported", .unsupported)
    }
    if let part = rope["partial_rotary_factor"]?.doubleValue, part != 1 {
      throw rope.fault("partial_rotary_factor \(part) is not supported", .unsupported)
    }
    let type = try rope.string(rope["rope_type"] == nil ? "type" : "rope_type") ?? "default"
    switch type {
    case "default": return .none
    case "linear": return .linear(factor: try rope.positive("factor"))
    case "llama3":
      let low = try rope.positive("low_freq_factor")
      let high = try rope.positive("high_freq_factor")
      guard high > low else { throw rope.fault("high_freq_factor must be above low_freq_factor") }
      return .llama3(
        factor: try rope.positive("factor"), lowFrequencyFactor: low, highFrequencyFactor: high,
        originalContext: try rope.size("original_max_position_embeddings"))
    default:
      throw rope.fault(
        "the rotary scaling '\(shown(type))' is not supported; default, linear and llama3 are",
        .unsupported)
    }
  }

  /// The window that all layers share; nil where none has one.
  private static func window(
    _ fields: ConfigurationFields, _ architecture: Architecture, layers: Int
  ) throws(FormatError) -> Int? {
    let window: Int?
    var sliding = layers
    switch architecture {
    case .llama: return nil
    case .mistral:
      // Mistral's own default is a window of 4096; an explicit null means none.
      window =
        fields.object["sliding_window"] == nil ? 4096 : try optionalSize(fields, "sliding_window")
    case .qwen2, .qwen3:
      guard try fields.flag("use_sliding_window") else { return nil }
      window = try optionalSize(fields, "sliding_window")
      sliding = max(0, layers - (try fields.integer("max_window_layers") ?? 28))
    }
    guard let window else { return nil }
    if let types = fields["layer_types"] {
      guard let types = types.arrayValue, types.count == layers else {
        throw fields.fault("layer_types is no list of \(layers) entries")
      }
      sliding = 0
      for type in types {
        switch type {
        case "sliding_attention": sliding += 1
        case "full_attention": break
        default: throw fields.fault("an unknown kind of layer in layer_types", .unsupported)
        }
      }
    }
    guard sliding == 0 || sliding == layers else {
      throw fields.fault(
        "a sliding window in \(sliding) of \(layers) layers is not supported; in all or none it is",
        .unsupported)
    }
    return sliding == 0 ? nil : window
  }

  private static func optionalSize(
    _ fields: ConfigurationFields, _ key: String
  ) throws(FormatError) -> Int? {
    fields[key] == nil ? nil : try fields.size(key)
  }
}
