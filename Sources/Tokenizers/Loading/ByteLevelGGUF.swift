/// Byte-level BPE of a GGUF file (`tokenizer.ggml.model` "gpt2").
enum ByteLevelGGUF {
  /// What `tokenizer.ggml.pre` stands for.
  private struct Preset {
    var normalizers: [Normalizer] = []
    var preTokenizers: [PreTokenizer]
    var ignoresMerges = false
    var addsBegin = false
  }

  /// Names of llama.cpp's `convert_hf_to_gguf` for the tokenizers that are supported.
  private static func preset(_ name: String?) -> Preset? {
    func split(_ rules: SplitRules) -> [PreTokenizer] {
      [.pattern(rules), .byteLevel(addsPrefixSpace: false, splits: false)]
    }
    let gpt2 = PreTokenizer.byteLevel(addsPrefixSpace: false, splits: true)
    switch name {
    case nil, "default", "gpt-2", "gpt2": return Preset(preTokenizers: [gpt2])
    case "smollm", "starcoder", "refact", "command-r":
      return Preset(preTokenizers: [.digits(individually: true), gpt2])
    case "llama-bpe", "llama3", "llama-v3":
      return Preset(preTokenizers: split(.llama3), ignoresMerges: true, addsBegin: true)
    case "qwen2", "deepseek-r1-qwen":
      return Preset(normalizers: [.composed], preTokenizers: split(.qwen2))
    case "tekken":
      return Preset(preTokenizers: split(.tekken), ignoresMerges: true, addsBegin: true)
    default: return nil
    }
  }

  /// Whether a text gets the begin token where the file does not tell.
  static func beginsByDefault(_ pre: String?) -> Bool { preset(pre)?.addsBegin ?? false }

  static func parts(_ source: GGUFVocabulary) throws(TokenizerError) -> TokenizerParts {
    guard let preset = preset(source.pre) else {
      throw TokenizerError(
        .unsupported, "tokenizer.ggml.pre '\(source.pre ?? "")' is not supported")
    }
    let vocabulary = try GGUFTokenizer.vocabulary(source)
    var merges = MergeBuilder(
      vocabulary: vocabulary, capacity: source.merges.count, place: "tokenizer.ggml.merges")
    var line: [UInt8] = []
    for merge in source.merges {
      line.removeAll(keepingCapacity: true)
      line.append(contentsOf: merge.utf8)
      try merges.append(line: line)
    }
    let model = try BytePairModel(
      alphabet: .bytes, vocabulary: vocabulary, merges: merges.table, unknown: nil,
      hasByteFallback: false, ignoresMerges: preset.ignoresMerges)
    return TokenizerParts(
      model: model, normalizers: preset.normalizers, preTokenizers: preset.preTokenizers,
      decoder: TextDecoder(kind: .byteLevel), addedTokens: try GGUFTokenizer.addedTokens(source))
  }
}
