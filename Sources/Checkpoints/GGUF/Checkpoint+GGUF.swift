import Tensors

extension Checkpoint {
  static func openGGUF(_ path: String, _ bytes: Bytes) throws(FormatError) -> Checkpoint {
    let file = try GGUFFile(parsing: bytes)
    let configuration = try ModelConfiguration(gguf: file)
    var stored: [String: StoredTensor] = [:]
    for tensor in file.tensors where tensor.name != "rope_freqs.weight" {
      // A name that is not ours stays as it is, and is told of as left over.
      let name = TensorLayout.huggingFaceName(ofGGUF: tensor.name) ?? tensor.name
      guard stored.updateValue(tensor, forKey: name) == nil else {
        throw FormatError(.malformed, "the tensor '\(shown(tensor.name))' stands twice")
      }
    }
    let tensors = try place(
      stored, configuration, interleaved: configuration.architecture == .llama)
    return Checkpoint(
      path: path, format: .gguf, configuration: configuration, tensorNames: sortedNames(tensors),
      chatTemplate: file.metadata["tokenizer.chat_template"]?.stringValue,
      specialTokens: try specialTokens(file), tensors: tensors, text: .gguf(file))
  }

  private static func specialTokens(_ file: GGUFFile) throws(FormatError) -> [String: String] {
    let keys = VocabularyKeys(metadata: file.metadata)
    guard let spellings = try keys.array("tokens") else { return [:] }
    var tokens: [String: String] = [:]
    let names = [
      "bos_token": "bos_token_id", "eos_token": "eos_token_id", "unk_token": "unknown_token_id",
      "pad_token": "padding_token_id",
    ]
    for (name, key) in names {
      guard let token = try keys.token(key, in: spellings.count) else { continue }
      tokens[name] = try spellings.string(at: token)
    }
    return tokens
  }
}
