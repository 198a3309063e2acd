/// The two routes that answer.
public enum CompletionRoute: Sendable {
  /// `POST /v1/chat/completions`.
  case chat
  /// `POST /v1/completions`.
  case text
}

/// A request for an answer, checked: every value is within its bounds, and nothing in it is passed over that would change
/// the answer.
public struct CompletionBody: Sendable, Equatable {
  /// What is to be answered.
  public enum Input: Sendable, Equatable {
    /// A conversation, from 1 to 2,048 messages.
    case chat([ChatMessage])
    /// One prompt or several, in text or tokens.
    case text(Prompts)
  }

  /// An adapter by its number in `/lora-adapters`, as llama-server's clients ask for it.
  public struct ScaledAdapter: Sendable, Equatable {
    /// The number.
    public var id: Int
    /// How much of it; 0 is none.
    public var scale: Double
  }

  /// What `model` says: a reference.
  public var model: String
  /// What is to be answered.
  public var input: Input
  /// Tokens of an answer at most; nil for as many as there is room for.
  public var maxTokens: Int?
  /// How tokens are drawn.
  public var sampling: SamplingBody
  /// Answers to each prompt, from 1 to 128.
  public var count: Int
  /// Texts that end an answer, at most 16, none empty.
  public var stop: [String]
  /// Whether the answer comes in pieces.
  public var isStream: Bool
  /// Whether the last piece tells how many tokens there were.
  public var includesUsage: Bool
  /// How many alternatives are told with each token's log probability; nil where that is not asked for.
  public var logprobs: Int?
  /// Whether the prompt stands before the answer.
  public var echo: Bool
  /// Who asks, in the client's words.
  public var user: String?
  /// llama-server's `lora`; nil where it is not given.
  public var lora: [ScaledAdapter]?
}

/// How tokens are drawn, in the words of the API; the defaults are OpenAI's.
public struct SamplingBody: Sendable, Equatable {
  /// From 0 (the most likely token) to 2.
  public var temperature = 1.0
  /// The most likely tokens that have this probability together, from 0 to 1.
  public var topP = 1.0
  /// So many of the most likely tokens; nil for all. An extension of vLLM and llama.cpp.
  public var topK: Int?
  /// Tokens of at least this share of the best one's probability, from 0 to 1. An extension of vLLM and llama.cpp.
  public var minP = 0.0
  /// What divides the logits of tokens that were there, above 0 up to 2. An extension of vLLM.
  public var repetitionPenalty = 1.0
  /// What each time that a token was there takes from its logit, from -2 to 2.
  public var frequencyPenalty = 0.0
  /// What a token that was there loses, from -2 to 2.
  public var presencePenalty = 0.0
  /// What is added to the logits of tokens, from -100 to 100.
  public var logitBias: [Int: Double] = [:]
  /// Where random numbers start; nil for anywhere.
  public var seed: Int?

  /// OpenAI's defaults.
  public init() {}
}

/// A message of a conversation.
public struct ChatMessage: Sendable, Equatable {
  /// Who speaks.
  public enum Role: String, Sendable {
    case system, user, assistant
  }

  /// Who speaks.
  public var role: Role
  /// What is said.
  public var content: String
  /// Who of several speaks, where that is told.
  public var name: String?

  /// A message.
  public init(role: Role, content: String, name: String? = nil) {
    self.role = role
    self.content = content
    self.name = name
  }
}

/// The prompts of a text completion, from 1 to 2,048.
public enum Prompts: Sendable, Equatable {
  case text(String)
  case texts([String])
  case tokens([Int])
  case tokenLists([[Int]])

  /// How many there are.
  public var count: Int {
    switch self {
    case .text, .tokens: 1
    case .texts(let texts): texts.count
    case .tokenLists(let lists): lists.count
    }
  }
}
