public import Foundation

/// What a checkpoint brings for its tokenizer.
public enum TokenizerSource: Sendable {
  /// The bytes of `tokenizer.json` and, where it is there, of `tokenizer_config.json`.
  case json(tokenizer: Data, configuration: Data?)
  /// The vocabulary inside a GGUF file.
  case embedded(EmbeddedVocabulary)
}

/// A vocabulary as GGUF's `tokenizer.ggml.*` metadata keep it.
public struct EmbeddedVocabulary: Sendable, Equatable {
  /// The kind of tokenizer: "gpt2" for byte-level BPE, "llama" for SentencePiece's.
  public var model: String
  /// The name of the pre-tokenizer, for byte-level BPE.
  public var pre: String?
  /// The spelling of every token.
  public var tokens: [String]
  /// The kind of every token (1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte), or none.
  public var tokenTypes: [Int]
  /// BPE merges, "left right", best first.
  public var merges: [String]
  /// SentencePiece scores, or none.
  public var scores: [Float]
  /// The token that begins a sequence.
  public var beginOfSequence: Int?
  /// The token that ends a sequence.
  public var endOfSequence: Int?
  /// The token for what the vocabulary lacks.
  public var unknown: Int?
  /// The token that fills.
  public var padding: Int?
  /// Whether encoding begins with `beginOfSequence`, where the file says so.
  public var addBeginOfSequence: Bool?
  /// Whether encoding ends with `endOfSequence`, where the file says so.
  public var addEndOfSequence: Bool?
  /// Whether a space is put before the text, where the file says so.
  public var addSpacePrefix: Bool?
}

extension EmbeddedVocabulary {
  /// Decodes the vocabulary of `file`.
  package init(_ file: GGUFFile) throws(FormatError) {
    let keys = VocabularyKeys(metadata: file.metadata)
    guard let model = file.metadata["tokenizer.ggml.model"]?.stringValue else {
      throw FormatError(.malformed, "the GGUF file has no vocabulary (tokenizer.ggml.model)")
    }
    guard let tokens = try keys.array("tokens")?.strings(), !tokens.isEmpty else {
      throw FormatError(.malformed, "the GGUF file has no vocabulary (tokenizer.ggml.tokens)")
    }
    self.init(
      model: model, pre: file.metadata["tokenizer.ggml.pre"]?.stringValue, tokens: tokens,
      tokenTypes: try keys.array("token_type")?.integers() ?? [],
      merges: try keys.array("merges")?.strings() ?? [],
      scores: try keys.array("scores")?.floats() ?? [],
      beginOfSequence: try keys.token("bos_token_id", in: tokens.count),
      endOfSequence: try keys.token("eos_token_id", in: tokens.count),
      unknown: try keys.token("unknown_token_id", in: tokens.count),
      padding: try keys.token("padding_token_id", in: tokens.count),
      addBeginOfSequence: try keys.flag("add_bos_token"),
      addEndOfSequence: try keys.flag("add_eos_token"),
      addSpacePrefix: try keys.flag("add_space_prefix"))
    for (name, count) in [("token_type", tokenTypes.count), ("scores", scores.count)]
    where count != 0 && count != tokens.count {
      throw FormatError(
        .malformed, "tokenizer.ggml.\(name) has \(count) entries for \(tokens.count) tokens")
    }
  }
}

/// Typed access to `tokenizer.ggml.*`.
struct VocabularyKeys {
  let metadata: [String: GGUFValue]

  private func value(_ key: String) -> GGUFValue? { metadata["tokenizer.ggml.\(key)"] }

  private func wrong(_ key: String, _ wanted: String) -> FormatError {
    FormatError(.malformed, "tokenizer.ggml.\(key) is no \(wanted)")
  }

  func array(_ key: String) throws(FormatError) -> GGUFArray? {
    guard let value = value(key) else { return nil }
    guard let array = value.arrayValue else { throw wrong(key, "array") }
    return array
  }

  func flag(_ key: String) throws(FormatError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let flag = value.boolValue else { throw wrong(key, "truth value") }
    return flag
  }

  /// A token id; the null token (-1, in 32 bits) counts as absent.
  func token(_ key: String, in count: Int) throws(FormatError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let token = value.intValue else { throw wrong(key, "token id") }
    if token < 0 || token == Int(UInt32.max) { return nil }
    guard token < count else { throw wrong(key, "token of \(count): it is \(token)") }
    return token
  }
}
