/// Byte-pair encoding: text to first symbols, then merges by rank.
///
/// Source: Sennrich et al. 2016; the order of merges, of byte fallback and of unknown symbols as in
/// the `tokenizers` library's BPE model.
struct BytePairModel: Sendable {
  /// What a word's first symbols are.
  enum Alphabet: Sendable, Equatable {
    /// Its bytes, each spelt by one character of GPT-2's byte alphabet.
    case bytes
    /// Its characters.
    case characters
  }

  /// A token that stands for what the vocabulary does not hold.
  struct Unknown: Sendable, Equatable {
    var token: Token
    /// Neighbouring unknown symbols become one token.
    var isFused: Bool
  }

  let alphabet: Alphabet
  let vocabulary: Vocabulary
  let merges: MergeTable
  let unknown: Unknown?
  /// A symbol that is not in the vocabulary becomes its bytes' tokens, `<0x00>` to `<0xFF>`.
  let hasByteFallback: Bool
  /// A word that is in the vocabulary as a whole becomes that token.
  let ignoresMerges: Bool

  /// The first symbol of each byte (byte alphabet) or of each ASCII character; -1 where there is
  /// none.
  let firstSymbols: [Token]
  /// The token `<0xNN>` of each byte; -1 where there is none.
  let byteTokens: [Token]
  /// The vocabulary spelt in raw bytes, to look whole words up; only where that is asked.
  let rawVocabulary: Vocabulary?
  /// No merge reaches over the place before a "▁" that follows another character, so that a text
  /// may be cut there.
  let cutsBeforeMarks: Bool

  /// Every character has symbols of its own, so that none is unknown.
  var isComplete: Bool {
    switch alphabet {
    case .bytes: !firstSymbols.contains(-1)
    case .characters: hasByteFallback && !byteTokens.contains(-1)
    }
  }

  init(
    alphabet: Alphabet, vocabulary: Vocabulary, merges: MergeTable, unknown: Unknown?,
    hasByteFallback: Bool, ignoresMerges: Bool
  ) throws(TokenizerError) {
    self.alphabet = alphabet
    self.vocabulary = vocabulary
    self.merges = merges
    self.unknown = unknown
    self.hasByteFallback = hasByteFallback
    self.ignoresMerges = ignoresMerges

    var symbols = [Token](repeating: -1, count: 256)
    for byte in 0..<(alphabet == .bytes ? 256 : 128) {
      let spelling = alphabet == .bytes ? ByteAlphabet.spelling[byte] : [UInt8(byte)]
      symbols[byte] = vocabulary.id(of: spelling) ?? -1
    }
    firstSymbols = symbols
    byteTokens = (0..<256).map { vocabulary.id(of: ByteAlphabet.fallback(UInt8($0))) ?? -1 }
    if alphabet == .bytes, hasByteFallback, symbols.contains(-1) {
      throw TokenizerError(
        .unsupported,
        "model.byte_fallback with a byte-level vocabulary that lacks some of the 256 bytes")
    }
    rawVocabulary = ignoresMerges ? try BytePairModel.raw(alphabet, vocabulary) : nil
    cutsBeforeMarks =
      alphabet == .characters
      && BytePairModel.cutsBeforeMarks(vocabulary: vocabulary, merges: merges)
  }

  /// The vocabulary by raw bytes: the byte alphabet undone, tokens outside of it left out.
  private static func raw(
    _ alphabet: Alphabet, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> Vocabulary {
    guard alphabet == .bytes else { return vocabulary }
    var raw = Vocabulary(capacity: vocabulary.count)
    var bytes: [UInt8] = []
    for id in 0..<vocabulary.idCount {
      guard let spelling = vocabulary.spelling(id) else { continue }
      bytes.removeAll(keepingCapacity: true)
      guard ByteAlphabet.appendRaw(spelling, to: &bytes) else { continue }
      try raw.insert(bytes, 0..<bytes.count, id: id)
    }
    return raw
  }

  /// Whether every merge whose right part begins with "▁" has a left part that ends with it.
  private static func cutsBeforeMarks(vocabulary: Vocabulary, merges: MergeTable) -> Bool {
    guard vocabulary.id(of: Metaspace.mark) != nil else { return false }
    let count = vocabulary.idCount
    var begins = [Bool](repeating: false, count: count)
    var ends = [Bool](repeating: false, count: count)
    for id in 0..<count {
      guard let spelling = vocabulary.spelling(id), spelling.count >= 3 else { continue }
      begins[id] = spelling.starts(with: Metaspace.mark)
      ends[id] = spelling.suffix(3).elementsEqual(Metaspace.mark)
    }
    return merges.allSatisfy { left, right in !begins[Int(right)] || ends[Int(left)] }
  }
}
