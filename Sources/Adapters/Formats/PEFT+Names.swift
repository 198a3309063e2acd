import Models

/// PEFT's names of tensors: `base_model.model.<path>.lora_A.weight`.
enum PEFTName {
  static let prefix = "base_model.model."

  /// Why the tensor called `name` has no place, where that is more than a spelling; nil where its name says nothing.
  static func reason(_ name: String, slots: SlotTable) -> String? {
    let reasons = [
      (".lora_magnitude_vector", ": it belongs to DoRA, which is not supported"),
      (".trainable_tokens_delta", ": trainable tokens are not supported"),
      (".lora_B.bias", ": lora_bias is false in the configuration"),
    ]
    if let reason = reasons.first(where: { name.hasSuffix($0.0) }) { return reason.1 }
    return layerReason(name, slots: slots)
  }

  /// What is wrong with a tensor that names a layer of the base.
  private static func layerReason(_ name: String, slots: SlotTable) -> String? {
    func isLayer(_ ending: String) -> Bool {
      name.hasPrefix(prefix) && name.hasSuffix(ending)
        && slots.index(of: String(name.dropFirst(prefix.count).dropLast(ending.count))) != nil
    }
    if [".lora_A.weight", ".lora_B.weight", ".lora_embedding_A", ".lora_embedding_B"]
      .contains(where: isLayer)
    {
      return """
        : it is for a layer that the configuration does not adapt so, and PEFT would ignore it; correct \
        target_modules, exclude_modules or layers_to_transform
        """
    }
    if [".base_layer.bias", ".bias"].contains(where: isLayer) {
      return ": it is a bias that the configuration does not train; correct 'bias'"
    }
    if [".base_layer.weight", ".weight"].contains(where: isLayer) {
      return ": it is the base's own weight; save the adapter with save_embedding_layers=False"
    }
    return nil
  }
}
