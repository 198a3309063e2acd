/// Reads tokenizer.json, and tokenizer_config.json beside it, into the parts of a tokenizer.
///
/// Source: the serialisation of Hugging Face's `tokenizers` library, version 1.0 of the format.
enum TokenizerJSON {
  /// The parts that the two files describe.
  static func parts(
    _ bytes: [UInt8], configuration: [UInt8]?
  ) throws(TokenizerError) -> TokenizerParts {
    let root = JSONCursor(try JSONTape(bytes, file: "tokenizer.json"))
    guard root.kind == .object else { throw root.malformed("is not an object") }
    if let version = try root.member("version"), try version.string() != "1.0" {
      throw version.unsupported("version '\(try version.string())'")
    }
    let normalizers = try NormalizerJSON.steps(try root.member("normalizer"))
    let preTokenizers = try PreTokenizerJSON.steps(try root.member("pre_tokenizer"))
    let isByteLevel = preTokenizers.contains { step in
      if case .byteLevel = step { true } else { false }
    }
    let model = try ModelJSON.model(
      try root.required("model"), alphabet: isByteLevel ? .bytes : .characters)
    var parts = TokenizerParts(
      model: model, normalizers: normalizers, preTokenizers: preTokenizers,
      decoder: try DecoderJSON.decoder(try root.member("decoder")))
    parts.addedTokens = try AddedTokensJSON.tokens(
      try root.member("added_tokens"), vocabulary: model.vocabulary)
    try PostProcessorJSON.apply(try root.member("post_processor"), to: &parts)
    if let configuration { try TokenizerConfigurationJSON.apply(configuration, to: &parts) }
    return parts
  }
}
