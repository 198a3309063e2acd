/// Which factor of a layer's update a tensor is.
enum Factor: String, CaseIterable {
  case a = "lora_A"
  case b = "lora_B"
}

/// PEFT's names of tensors: `base_model.model.<path>.lora_A.weight`.
enum PEFTName {
  static let prefix = "base_model.model."

  static func name(_ path: String, _ factor: Factor) -> String {
    "\(prefix)\(path).\(factor.rawValue).weight"
  }

  /// The layer's path and the factor, or nil where `name` is no factor's name.
  static func parse(_ name: String) -> (path: String, factor: Factor)? {
    guard name.hasPrefix(prefix) else { return nil }
    for factor in Factor.allCases {
      let suffix = ".\(factor.rawValue).weight"
      guard name.hasSuffix(suffix), name.utf8.count > prefix.utf8.count + suffix.utf8.count else {
        continue
      }
      return (String(name.dropFirst(prefix.count).dropLast(suffix.count)), factor)
    }
    return nil
  }

  /// Why a tensor of PEFT's that is no factor has no place here; nil where its name says nothing.
  static func reason(_ name: String) -> String? {
    let reasons = [
      ".lora_magnitude_vector": "it belongs to DoRA, which is not supported",
      ".lora_B.bias": "lora_bias is not supported",
      ".lora_embedding_A": "updates of embeddings are not supported",
      ".lora_embedding_B": "updates of embeddings are not supported",
      ".trainable_tokens_delta": "trainable tokens are not supported",
      ".base_layer.weight":
        "it is the base's own weight; save the adapter with save_embedding_layers=False",
      ".embed_tokens.weight":
        "it is the base's own weight; save the adapter with save_embedding_layers=False",
      "lm_head.weight":
        "it is the base's own weight; save the adapter with save_embedding_layers=False",
    ]
    return reasons.first { name.hasSuffix($0.key) }?.value
  }
}
