extension Tokenizer {
  /// The fewest tokens that a text of so many bytes of UTF-8 can have: what may be refused before it is encoded.
  ///
  /// `ceil(bytes / the bytes of the longest token)`, whatever the text. 0 where a token may stand for any number of
  /// bytes: unknown characters that become one token, white space that an added token takes.
  public func fewestTokens(utf8Count: Int) -> Int {
    mostBytesPerToken.map { (max(0, utf8Count) + $0 - 1) / $0 } ?? 0
  }

  /// The most bytes of a text that one token stands for; nil where they have no bound.
  static func mostBytesPerToken(_ parts: TokenizerParts) -> Int? {
    guard parts.model.isComplete,
      parts.addedTokens.allSatisfy({ !$0.stripsLeft && !$0.stripsRight })
    else { return nil }
    var shrinkage = 1
    for normalizer in parts.normalizers {
      guard let most = normalizer.shrinkage else { return nil }
      shrinkage *= most
    }
    let vocabulary = parts.model.vocabulary
    let bytes = vocabulary.bytes
    var longest = 1
    for id in 0..<vocabulary.idCount {
      let range = vocabulary.range(id)
      // In the byte alphabet a character is a byte.
      let isSpeltByte = parts.model.alphabet == .bytes
      longest = max(
        longest, isSpeltByte ? bytes[range].count { $0 & 0xc0 != 0x80 } : range.count)
    }
    for token in parts.addedTokens {
      let pattern =
        token.isNormalized
        ? parts.normalizers.reduce(token.content) { $1.apply($0) } : token.content
      longest = max(longest, pattern.count)
    }
    return longest * shrinkage
  }
}
