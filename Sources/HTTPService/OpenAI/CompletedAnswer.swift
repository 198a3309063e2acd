/// Why an answer ends.
public enum FinishReason: String, Sendable {
  /// The model ended it, or a stop text did.
  case stop
  /// It has as many tokens as it may.
  case length
}

/// A token of an answer with its log probability.
public struct AnswerToken: Sendable, Equatable {
  /// Another token that might have stood there.
  public struct Alternative: Sendable, Equatable {
    /// Its bytes.
    public var bytes: [UInt8]
    /// The natural logarithm of its probability.
    public var logprob: Double

    /// An alternative.
    public init(bytes: [UInt8], logprob: Double) {
      self.bytes = bytes
      self.logprob = logprob
    }
  }

  /// Its bytes: not always whole letters.
  public var bytes: [UInt8]
  /// The natural logarithm of its probability; nil for the first token of all, which nothing predicts.
  public var logprob: Double?
  /// The most likely tokens, best first.
  public var top: [Alternative]

  /// A token.
  public init(bytes: [UInt8], logprob: Double?, top: [Alternative] = []) {
    self.bytes = bytes
    self.logprob = logprob
    self.top = top
  }
}

/// One whole answer.
public struct CompletedAnswer: Sendable, Equatable {
  /// What it says.
  public var text: String
  /// Why it ends.
  public var finish: FinishReason
  /// Its tokens, where their log probabilities are asked for.
  public var tokens: [AnswerToken]?

  /// An answer.
  public init(text: String, finish: FinishReason, tokens: [AnswerToken]? = nil) {
    self.text = text
    self.finish = finish
    self.tokens = tokens
  }
}

/// How many tokens a request took.
public struct TokenUsage: Sendable, Equatable {
  /// Of the prompts.
  public var prompt: Int
  /// Of the answers.
  public var completion: Int
  /// Those of the prompts that were computed before; nil where that is not known.
  public var cached: Int?

  /// A count.
  public init(prompt: Int, completion: Int, cached: Int? = nil) {
    self.prompt = prompt
    self.completion = completion
    self.cached = cached
  }
}
