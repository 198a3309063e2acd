/// The tokenizer's fields of a GGUF file, as plain values (`tokenizer.ggml.*`).
///
/// Source: the GGUF specification's section on the tokenizer.
public struct GGUFVocabulary: Sendable {
  /// `tokenizer.ggml.model`: "gpt2" for byte-level BPE, "llama" for SentencePiece BPE.
  public var model: String
  /// `tokenizer.ggml.pre`: how text is split before BPE; nil where the file does not tell.
  public var pre: String?
  /// `tokenizer.ggml.tokens`: the spelling of each id.
  public var tokens: [String]
  /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte;
  /// empty where the file does not tell, and every token is then normal.
  public var tokenTypes: [Int]
  /// `tokenizer.ggml.merges`: "left right", the most urgent first.
  public var merges: [String]
  /// `tokenizer.ggml.scores`: the priority of each piece, the highest first.
  public var scores: [Float]
  /// `tokenizer.ggml.bos_token_id`.
  public var beginOfSequence: Int?
  /// `tokenizer.ggml.eos_token_id`.
  public var endOfSequence: Int?
  /// `tokenizer.ggml.unknown_token_id`.
  public var unknown: Int?
  /// `tokenizer.ggml.padding_token_id`.
  public var padding: Int?
  /// `tokenizer.ggml.add_bos_token`.
  public var addBeginOfSequence: Bool?
  /// `tokenizer.ggml.add_eos_token`.
  public var addEndOfSequence: Bool?
  /// `tokenizer.ggml.add_space_prefix`.
  public var addSpacePrefix: Bool?

  /// The fields of one file; those left out are absent in it.
  public init(
    model: String, pre: String? = nil, tokens: [String], tokenTypes: [Int] = [],
    merges: [String] = [], scores: [Float] = [], beginOfSequence: Int? = nil,
    endOfSequence: Int? = nil, unknown: Int? = nil, padding: Int? = nil,
    addBeginOfSequence: Bool? = nil, addEndOfSequence: Bool? = nil, addSpacePrefix: Bool? = nil
  ) {
    self.model = model
    self.pre = pre
    self.tokens = tokens
    self.tokenTypes = tokenTypes
    self.merges = merges
    self.scores = scores
    self.beginOfSequence = beginOfSequence
    self.endOfSequence = endOfSequence
    self.unknown = unknown
    self.padding = padding
    self.addBeginOfSequence = addBeginOfSequence
    self.addEndOfSequence = addEndOfSequence
    self.addSpacePrefix = addSpacePrefix
  }
}
