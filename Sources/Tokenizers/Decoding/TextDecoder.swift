/// How tokens become text again.
struct TextDecoder: Sendable, Equatable {
  /// How the pieces are joined.
  enum Kind: Sendable, Equatable {
    /// Bytes in GPT-2's alphabet, joined and read as UTF-8.
    case byteLevel
    /// Pieces of text, with runs of byte tokens between them where `byteFallback` is set.
    case pieces(byteFallback: Bool)
    /// No decoder: the spellings, with a space between them.
    case spaced
  }

  /// Rewrites the spelling of each token.
  enum Rewrite: Sendable, Equatable {
    case replace(pattern: [UInt8], content: [UInt8])
    /// The mark becomes a space, or nothing in the first token where one was put before the text.
    case metaspace(replacement: [UInt8], dropsFirst: Bool)

    /// How many times longer a token becomes at most.
    var growth: Int {
      switch self {
      case .replace(let pattern, let content):
        max(1, (content.count + pattern.count - 1) / pattern.count)
      case .metaspace: 1
      }
    }
  }

  var kind: Kind
  var rewrites: [Rewrite] = []
  /// The character taken from the beginning of the whole text, and how often.
  var stripped: [UInt8] = []
  var stripCount = 0

  /// The bytes that a token stands for; those of the first token of a text may differ.
  func bytes(of spelling: ArraySlice<UInt8>, isFirst: Bool) -> [UInt8] {
    if kind == .byteLevel {
      var bytes: [UInt8] = []
      return ByteAlphabet.appendRaw(spelling, to: &bytes) ? bytes : Array(spelling)
    }
    var bytes = Array(spelling)
    for rewrite in rewrites {
      switch rewrite {
      case .replace(let pattern, let content):
        bytes = Normalizer.replacing(bytes[...], pattern, by: content)
      case .metaspace(let replacement, let dropsFirst):
        let content: [UInt8] = isFirst && dropsFirst ? [] : [0x20]
        bytes = Normalizer.replacing(bytes[...], replacement, by: content)
      }
    }
    return bytes
  }

  /// Whether the first token of a text has bytes of its own.
  var treatsFirstApart: Bool {
    rewrites.contains {
      if case .metaspace(_, dropsFirst: true) = $0 { true } else { false }
    }
  }
}
