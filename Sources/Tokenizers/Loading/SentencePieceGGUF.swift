/// SentencePiece's BPE of a GGUF file (`tokenizer.ggml.model` "llama"): scores instead of merges.
enum SentencePieceGGUF {
  /// Longer pieces are refused: every cut of a piece is tried. Trainers end at a few dozen bytes.
  private static let longestPiece = 512

  static func parts(_ source: GGUFVocabulary) throws(TokenizerError) -> TokenizerParts {
    guard !source.scores.isEmpty else {
      throw TokenizerError(.missing, "tokenizer.ggml.scores is empty")
    }
    let vocabulary = try GGUFTokenizer.vocabulary(source)
    let unknownID =
      try GGUFTokenizer.token(source.unknown, "unknown_token_id", source)
      ?? source.tokenTypes.firstIndex(of: GGUFTokenizer.TokenType.unknown.rawValue).map(Token.init)
    let model = try BytePairModel(
      alphabet: .characters, vocabulary: vocabulary,
      merges: try merges(source, vocabulary: vocabulary),
      unknown: unknownID.map { BytePairModel.Unknown(token: $0, isFused: true) },
      hasByteFallback: true, ignoresMerges: false)
    let addsSpace = source.addSpacePrefix ?? true
    var normalizers: [Normalizer] = addsSpace ? [.prepend(Metaspace.mark)] : []
    normalizers.append(.replace(pattern: [0x20], content: Metaspace.mark))
    var decoder = TextDecoder(kind: .pieces(byteFallback: true))
    decoder.rewrites = [.replace(pattern: Metaspace.mark, content: [0x20])]
    if addsSpace {
      decoder.stripped = [0x20]
      decoder.stripCount = 1
    }
    return TokenizerParts(
      model: model, normalizers: normalizers, decoder: decoder,
      addedTokens: try GGUFTokenizer.addedTokens(source))
  }

  /// Two neighbours merge where the vocabulary holds them as one piece; the highest score first.
  ///
  /// Source: SentencePiece's BPE. Pieces of equal score share a rank, so that the leftmost comes
  /// first.
  private static func merges(
    _ source: GGUFVocabulary, vocabulary: Vocabulary
  ) throws(TokenizerError) -> MergeTable {
    if let index = source.scores.firstIndex(where: { !$0.isFinite }) {
      throw TokenizerError(.malformed, "tokenizer.ggml.scores[\(index)] is not a finite number")
    }
    let merging = source.tokens.indices.map { id in
      switch GGUFTokenizer.type(id, source) {
      case .normal, .userDefined, .unused: true
      case .unknown, .control, .byte: false
      }
    }
    let order = source.tokens.indices.filter { merging[$0] }.sorted {
      (-source.scores[$0], $0) < (-source.scores[$1], $1)
    }
    var table = MergeTable(capacity: source.tokens.count * 4)
    let bytes = vocabulary.bytes
    var rank: UInt32 = 0
    var score = Float.infinity
    for id in order {
      if source.scores[id] != score {
        score = source.scores[id]
        rank += 1
      }
      let range = vocabulary.range(id)
      guard range.count <= longestPiece else {
        throw TokenizerError(.tooLarge, "tokenizer.ggml.tokens[\(id)] has \(range.count) bytes")
      }
      for cut in range.dropFirst() where bytes[cut] & 0xc0 != 0x80 {
        guard let left = vocabulary.id(of: bytes, range.lowerBound..<cut), merging[Int(left)],
          let right = vocabulary.id(of: bytes, cut..<range.upperBound), merging[Int(right)]
        else { continue }
        guard table.count < MergeTable.limit else {
          throw TokenizerError(
            .tooLarge, "tokenizer.ggml.tokens makes more than \(MergeTable.limit) merges")
        }
        table.insert(left, right, rank: rank, into: Token(id))
      }
    }
    return table
  }
}
