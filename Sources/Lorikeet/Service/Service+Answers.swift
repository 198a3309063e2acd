import Checkpoints
import Foundation
import Models
public import Serving
public import Tokenizers
import Training

/// What a model is asked.
public enum ServicePrompt: Sendable {
  /// A conversation, which goes through the model's chat template.
  case messages([Message])
  /// Text to go on from, as it is.
  case text(String)
  /// Tokens to go on from.
  case tokens([Token])
}

/// How an answer is made.
public struct ServiceRequest: Sendable {
  /// The model.
  public var model: ServedModel
  /// What it is asked.
  public var prompt: ServicePrompt
  /// The most tokens to make; nil for as many as the service allows by itself.
  public var maximumTokens: Int?
  /// How tokens are chosen.
  public var sampler = SamplerSettings()
  /// Texts that end the answer, besides the contract's stops.
  public var stopTexts: [String] = []
  /// How many of the most likely tokens to tell with each; nil tells nothing of choices.
  public var topChoices: Int?
  /// Whom the tokens are counted for.
  public var tenant = ""

  /// A request to a model.
  public init(_ model: ServedModel, _ prompt: ServicePrompt) {
    self.model = model
    self.prompt = prompt
  }
}

extension Service {
  /// The tokens of a prompt, as the model takes them.
  /// - Throws: `TrainingError` where its template refuses the conversation.
  public func tokens(_ prompt: ServicePrompt, for model: ServedModel) throws -> [Token] {
    switch prompt {
    case .messages(let messages): try base.encoder(contract(of: model)).prompt(messages)
    case .text(let text): base.tokenizer.encode(text, addSpecialTokens: true)
    case .tokens(let tokens): tokens
    }
  }

  /// The tokens of a prompt that is to be answered.
  /// - Throws: `ServingError` where its bytes alone tell that it is too long, before it is encoded; else as `tokens` does.
  public func answerable(_ prompt: ServicePrompt, for model: ServedModel) throws -> [Token] {
    let bytes =
      switch prompt {
      case .messages(let messages): messages.reduce(0) { $0 + $1.content.utf8.count }
      case .text(let text): text.utf8.count
      case .tokens: 0
      }
    let fewest = base.tokenizer.fewestTokens(utf8Count: bytes)
    guard fewest < contextLength else {
      throw ServingError(
        .tooLong,
        "the prompt is \(fewest) tokens long or more; the model's context is \(contextLength)")
    }
    return try tokens(prompt, for: model)
  }

  /// Puts a request in the engine's queue.
  /// - Parameter sink: Told what happens, on the engine's thread; the last event is `finished` or `failed`, once.
  /// - Returns: Its number, to cancel it by.
  /// - Throws: `ServingError`, `TrainingError`; then `sink` is never called.
  public func submit(
    _ request: ServiceRequest, sink: @escaping @Sendable (GenerateEvent) -> Void
  ) throws -> Int {
    let contract = try contract(of: request.model)
    let prompt = try answerable(request.prompt, for: request.model)
    let vocabulary = base.model.configuration.vocabularySize
    if let token = (prompt + request.sampler.logitBias.keys).first(where: {
      $0 < 0 || $0 >= vocabulary
    }) {
      throw ServingError(
        .badRequest, "token \(token) is not in the model's vocabulary of \(vocabulary)")
    }
    var generate = GenerateRequest(prompt: prompt)
    let room = base.model.configuration.contextLength - prompt.count
    generate.maximumTokens = request.maximumTokens ?? max(1, min(options.maximumTokens, room))
    generate.sampler = request.sampler
    generate.stopTexts = request.stopTexts
    generate.stopTokens = Set(contract.stops.map(\.token))
    generate.topChoices = request.topChoices
    return try loop.submit(
      EngineJob(
        generate, adapter: request.model.version.map(source), tenant: request.tenant,
        patience: options.patience)
    ) { [weak self] event in
      if case .failed(let error, _) = event, error.code == .wrongBase,
        let version = request.model.version
      {
        self?.refuse(version, error)
      }
      sink(event)
    }
  }

  /// The text of tokens, special ones too.
  /// - Throws: `ServingError` where one is not in the vocabulary.
  public func text(of tokens: [Token]) throws -> String {
    let vocabulary = base.model.configuration.vocabularySize
    if let token = tokens.first(where: { $0 < 0 || $0 >= vocabulary }) {
      throw ServingError(
        .badRequest, "token \(token) is not in the model's vocabulary of \(vocabulary)")
    }
    return base.tokenizer.decode(tokens, skipSpecialTokens: false)
  }

  /// The bytes that a token stands for, which need not be whole characters.
  public func bytes(of token: Token) -> [UInt8] { base.tokenizer.bytes(of: token) }

  /// The most tokens of a prompt and its answer together.
  public var contextLength: Int { base.model.configuration.contextLength }

  /// Ends a request before the next step.
  public func cancel(_ id: Int) { loop.cancel(id) }
}
