import Synchronization

/// Turns text into tokens and tokens into text, exactly as the `tokenizers` library does with the
/// same file.
///
/// Byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM2, Tekken) and SentencePiece's BPE with byte
/// fallback (Llama 2, TinyLlama, Mistral). Values never change after loading; any thread may use
/// one.
public final class Tokenizer: Sendable {
  /// One more than the largest id.
  public let vocabularySize: Int
  /// The token that begins a sequence, where the files name one.
  public let beginOfSequence: Token?
  /// The token that ends a sequence, where the files name one.
  public let endOfSequence: Token?
  /// The special tokens by their text.
  public let specialTokens: [String: Token]

  let model: BytePairModel
  let normalizers: [Normalizer]
  let preTokenizers: PreTokenizerSequence
  let decoder: TextDecoder
  let pieces: DecodedPieces
  let addedTokens: [AddedToken]
  /// What `addSpecialTokens` puts before and after a text.
  let prefix: [Token]
  let suffix: [Token]

  private let rawMatcher: AddedTokenMatcher
  private let normalizedMatcher: AddedTokenMatcher
  private let addedByID: [Token: AddedToken]
  private let decodedSpellings: [Token: [UInt8]]  // of added tokens
  private let states: [IDState]
  let mostBytesPerToken: Int?
  private let cache = Mutex<WordCache?>(nil)

  init(parts: TokenizerParts) {
    model = parts.model
    normalizers = parts.normalizers
    preTokenizers = PreTokenizerSequence(parts.preTokenizers)
    decoder = parts.decoder
    addedTokens = parts.addedTokens
    prefix = parts.prefix
    suffix = parts.suffix
    beginOfSequence = parts.beginOfSequence
    endOfSequence = parts.endOfSequence

    var size = parts.model.vocabulary.idCount
    var byID: [Token: AddedToken] = [:]
    var spellings: [Token: [UInt8]] = [:]
    var special: [String: Token] = [:]
    var raw: [(AddedToken, [UInt8])] = []
    var normalized: [(AddedToken, [UInt8])] = []
    for token in parts.addedTokens {
      size = max(size, Int(token.id) + 1)
      byID[token.id] = token
      if token.isSpecial { special[String(decoding: token.content, as: UTF8.self)] = token.id }
      spellings[token.id] = token.content
      guard token.isNormalized else {
        raw.append((token, token.content))
        continue
      }
      let pattern = parts.normalizers.reduce(token.content) { $1.apply($0) }
      spellings[token.id] = pattern
      normalized.append((token, pattern))
    }
    let specialContents = Set(parts.addedTokens.filter(\.isSpecial).map(\.content))
    let vocabulary = parts.model.vocabulary
    states = (0..<size).map { id in
      guard let spelling = spellings[Token(id)] else {
        return vocabulary.spelling(id) == nil ? .absent : .text
      }
      return specialContents.contains(spelling) ? .special : .text
    }
    pieces = DecodedPieces(idCount: size, decoder: parts.decoder) { id in
      spellings[Token(id)].map { $0[...] } ?? vocabulary.spelling(id)
    }
    mostBytesPerToken = Tokenizer.mostBytesPerToken(parts)
    vocabularySize = size
    addedByID = byID
    decodedSpellings = spellings
    specialTokens = special
    rawMatcher = AddedTokenMatcher(raw)
    normalizedMatcher = AddedTokenMatcher(normalized)
  }

  /// The tokens of a text.
  ///
  /// - Parameters:
  ///   - addSpecialTokens: Puts the tokens before and after that the file asks for (begin, end).
  ///   - findsSpecialTokens: Recognises special tokens that are spelt out in the text; without it
  /// they
  ///     are text like any other, which is what text from strangers wants.
  public func encode(
    _ text: String, addSpecialTokens: Bool, findsSpecialTokens: Bool = true
  ) -> [Token] {
    let bytes = Array(text.utf8)
    var encoder = WordEncoder(model: model, cache: cache.withLock { $0.take() } ?? WordCache())
    if addSpecialTokens { encoder.output += prefix }
    for piece in rawMatcher.pieces(bytes, 0..<bytes.count, findsSpecial: findsSpecialTokens) {
      if let token = piece.token {
        encoder.output.append(token)
      } else {
        encodePiece(bytes, piece.range, findsSpecial: findsSpecialTokens, with: &encoder)
      }
    }
    if addSpecialTokens { encoder.output += suffix }
    let output = encoder.output
    let used = encoder.cache
    cache.withLock { $0 = used }
    return output
  }

  private func encodePiece(
    _ bytes: [UInt8], _ range: Range<Int>, findsSpecial: Bool, with encoder: inout WordEncoder
  ) {
    var text = bytes
    var span = range
    if !normalizers.isEmpty {
      text = normalizers.reduce(Array(bytes[range])) { $1.apply($0) }
      span = 0..<text.count
    }
    for piece in normalizedMatcher.pieces(text, span, findsSpecial: findsSpecial) {
      if let token = piece.token {
        encoder.output.append(token)
      } else {
        let isFirst = range.lowerBound == 0 && piece.range.lowerBound == span.lowerBound
        preTokenizers.encode(text, piece.range, isFirst: isFirst, with: &encoder)
      }
    }
  }

  /// The text of tokens; ids without a token are passed over.
  public func decode(_ tokens: [Token], skipSpecialTokens: Bool) -> String {
    var stream = DecodingStream(tokenizer: self, skipsSpecialTokens: skipSpecialTokens)
    var output: [UInt8] = []
    output.reserveCapacity(tokens.count * 4)
    for token in tokens { stream.push(token, to: &output) }
    stream.finish(&output)
    return String(decoding: output, as: UTF8.self)
  }

  /// A stream that turns tokens into text as they come.
  public func makeDecodingStream(skipSpecialTokens: Bool) -> DecodingStream {
    DecodingStream(tokenizer: self, skipsSpecialTokens: skipSpecialTokens)
  }

  /// The id of a token by its spelling in the vocabulary.
  public func token(for text: String) -> Token? {
    let bytes = Array(text.utf8)
    return addedTokens.first { $0.content == bytes }?.id ?? model.vocabulary.id(of: bytes)
  }

  /// The spelling of a token in the vocabulary.
  public func text(of token: Token) -> String? {
    if let added = addedByID[token] { return String(decoding: added.content, as: UTF8.self) }
    return model.vocabulary.spelling(Int(token)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes that a token stands for inside a text, which need not be whole characters; none where there is no such token.
  public func bytes(of token: Token) -> [UInt8] {
    let id = Int(token)
    guard state(id) != .absent else { return [] }
    if decoder.kind == .spaced { return Array(decodedSpelling(id)) }
    return pieces.byte(id).map { [$0] } ?? Array(pieces.bytes(id))
  }

  /// Whether a token is special: left out of decoded text where that is asked.
  public func isSpecial(_ token: Token) -> Bool { addedByID[token]?.isSpecial ?? false }

  /// What an id is to the decoder.
  enum IDState: UInt8 { case absent, text, special }

  /// What `id`, any number, is to the decoder.
  func state(_ id: Int) -> IDState { states.indices.contains(id) ? states[id] : .absent }

  /// The spelling that the decoder sees.
  func decodedSpelling(_ id: Int) -> ArraySlice<UInt8> {
    decodedSpellings[Token(id)].map { $0[...] } ?? model.vocabulary.spelling(id) ?? []
  }
}
