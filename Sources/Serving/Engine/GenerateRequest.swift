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
  /// How many of the most likely tokens to tell with each token; nil tells nothing of choices.
  public var topChoices: Int?

  /// A request to go on from `prompt`.
  public init(prompt: [Token], adapter: PinnedAdapter? = nil) {
    self.prompt = prompt
    self.adapter = adapter
  }

  /// Checks that a model of this context can serve the request.
  /// - Throws: `ServingError`.
  func check(contextLength: Int) throws(ServingError) {
    if let problem = sampler.problem { throw ServingError(.badRequest, problem) }
    guard !prompt.isEmpty else { throw ServingError(.badRequest, "the prompt is empty") }
    guard maximumTokens > 0 else {
      throw ServingError(.badRequest, "the most tokens to make must be 1 or more")
    }
    guard prompt.count < contextLength else {
      throw ServingError(
        .tooLong,
        "the prompt is \(prompt.count) tokens long; the model's context is \(contextLength)")
    }
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
  /// Tokens of the prompt that were not computed, for their keys and values were at hand.
  public var cachedTokens = 0
  /// How each token was chosen, where the request wants to know.
  public var choices: [TokenChoice] = []
}

/// What happens to a request on its way.
public enum GenerateEvent: Sendable {
  /// The next piece of text, which may be empty, and the choices that led to it, where the request wants to know.
  case text(String, [TokenChoice])
  /// The end: an answer.
  case finished(GenerateResult, GenerateTimes)
  /// The end: none, and what had been made by then.
  case failed(ServingError, GenerateResult)
}

/// How long a request took.
public struct GenerateTimes: Sendable, Equatable {
  /// Seconds from its arrival to its first row in a step.
  public var waiting = 0.0
  /// Seconds from its arrival to its first token.
  public var firstToken = 0.0
  /// Seconds from its arrival to its end.
  public var total = 0.0
}
