/// Puts a tokenizer together from the fields of a GGUF file.
enum GGUFTokenizer {
  /// `tokenizer.ggml.token_type`.
  enum TokenType: Int {
    case normal = 1
    case unknown
    case control
    case userDefined
    case unused
    case byte
  }

  static func parts(_ source: GGUFVocabulary) throws(TokenizerError) -> TokenizerParts {
    try check(source)
    var parts: TokenizerParts
    switch source.model {
    case "gpt2": parts = try ByteLevelGGUF.parts(source)
    case "llama": parts = try SentencePieceGGUF.parts(source)
    default:
      throw TokenizerError(
        .unsupported, "tokenizer.ggml.model '\(source.model)' is not supported")
    }
    parts.beginOfSequence = try token(source.beginOfSequence, "bos_token_id", source)
    parts.endOfSequence = try token(source.endOfSequence, "eos_token_id", source)
    let isSentencePiece = source.model == "llama"
    let addsBegin =
      source.addBeginOfSequence ?? (isSentencePiece || ByteLevelGGUF.beginsByDefault(source.pre))
    if addsBegin, let begin = parts.beginOfSequence { parts.prefix = [begin] }
    if source.addEndOfSequence ?? false, let end = parts.endOfSequence { parts.suffix = [end] }
    return parts
  }

  private static func check(_ source: GGUFVocabulary) throws(TokenizerError) {
    guard !source.tokens.isEmpty else {
      throw TokenizerError(.missing, "tokenizer.ggml.tokens is empty")
    }
    guard source.tokens.count <= Vocabulary.idLimit else {
      throw TokenizerError(
        .tooLarge, "tokenizer.ggml.tokens has \(source.tokens.count) entries")
    }
    for (name, count) in [
      ("token_type", source.tokenTypes.count), ("scores", source.scores.count),
    ] where count != 0 && count != source.tokens.count {
      throw TokenizerError(
        .inconsistent,
        "tokenizer.ggml.\(name) has \(count) entries for \(source.tokens.count) tokens")
    }
    if let index = source.tokenTypes.firstIndex(where: { TokenType(rawValue: $0) == nil }) {
      throw TokenizerError(
        .unsupported,
        "tokenizer.ggml.token_type \(source.tokenTypes[index]) of token \(index) is not known")
    }
  }

  /// A token that the file names by its id.
  static func token(
    _ id: Int?, _ name: String, _ source: GGUFVocabulary
  ) throws(TokenizerError) -> Token? {
    guard let id else { return nil }
    guard id >= 0, id < source.tokens.count else {
      throw TokenizerError(
        .inconsistent,
        "tokenizer.ggml.\(name) is \(id), but there are \(source.tokens.count) tokens")
    }
    return Token(id)
  }

  static func type(_ id: Int, _ source: GGUFVocabulary) -> TokenType {
    source.tokenTypes.isEmpty ? .normal : TokenType(rawValue: source.tokenTypes[id]) ?? .normal
  }

  /// The spellings by id. A spelling that is there twice is refused.
  static func vocabulary(_ source: GGUFVocabulary) throws(TokenizerError) -> Vocabulary {
    var vocabulary = Vocabulary(capacity: source.tokens.count)
    var bytes: [UInt8] = []
    for (id, token) in source.tokens.enumerated() {
      bytes.removeAll(keepingCapacity: true)
      bytes.append(contentsOf: token.utf8)
      try vocabulary.insert(bytes, 0..<bytes.count, id: id)
    }
    return vocabulary
  }

  /// Control tokens are special; user-defined ones are found in the text but are part of it.
  static func addedTokens(_ source: GGUFVocabulary) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for (id, text) in source.tokens.enumerated() where !text.isEmpty {
      let type = type(id, source)
      guard type == .control || type == .unknown || type == .userDefined else { continue }
      guard text.utf8.count <= AddedToken.longest else {
        throw TokenizerError(.tooLarge, "tokenizer.ggml.tokens[\(id)] has \(text.utf8.count) bytes")
      }
      tokens.append(
        AddedToken(id: Token(id), content: Array(text.utf8), isSpecial: type != .userDefined))
    }
    return tokens
  }
}
