public import Tokenizers

/// One prompt to go on from, with or without an adapter.
public struct GenerateRequest: Sendable {
  /// The prompt, special tokens included.
  public var prompt: [Token]
  /// The adapter, pinned for as long as the request lives; nil for the base.
  public var adapter: PinnedAdapter?
  /// The most tokens to make.
  public var maximumTokens = 256
  /// How tokens are chosen.
  public var sampler = SamplerSettings()
  /// Tokens that end the answer.
  public var stopTokens: Set<Token> = []
  /// Texts that end the answer, and are not part of it.
  public var stopTexts: [String] = []

  /// A request to go on from `prompt`.
  public init(prompt: [Token], adapter: PinnedAdapter? = nil) {
    self.prompt = prompt
    self.adapter = adapter
  }
}

/// What became of a request.
public struct GenerateResult: Sendable, Equatable {
  /// Why an answer ended.
  public enum Finish: String, Sendable { case stop, length, cancelled }

  /// The tokens made, without the one that ended the answer.
  public var tokens: [Token] = []
  /// Their text.
  public var text = ""
  /// Why it ended.
  public var finish = Finish.length
  /// Tokens of the prompt.
  public var promptTokens = 0
}
