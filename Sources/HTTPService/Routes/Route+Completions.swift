import Foundation
import JSON
import Lorikeet
import Serving
import Tokenizers

extension Route {
  static let completions: [Route] = [
    Route("POST", "/v1/chat/completions") { http, call in try http.complete(call, .chat) },
    Route("POST", "/v1/completions") { http, call in try http.complete(call, .text) },
  ]
}

extension HTTPService {
  /// Begins the answers to a request.
  func complete(_ call: Call, _ route: CompletionRoute) throws -> HTTPResponse? {
    let body = try CompletionBody(parsing: call.request.body, for: route)
    call.exchange.dropBody()
    let model = try model(of: body, for: call)
    call.note(model: model.name)
    let completion = Completion(self, call, body, model, route)
    try completion.start()
    return nil
  }

  /// The model of a request: what `lora` picks, or else what `model` names.
  func model(of body: CompletionBody, for call: Call) throws -> ServedModel {
    let chosen = (body.lora ?? []).filter { $0.scale != 0 }
    guard !chosen.isEmpty else {
      let named = try model(body.model, for: call)
      for other in body.lora ?? [] where named.version != nil {
        guard try loraAdapter(other.id, for: call) != named.version?.adapter else {
          throw APIError(
            .invalidRequest,
            "'lora' gives the adapter that 'model' names the scale 0; name the base as 'model'",
            param: "lora", code: "invalid_value")
        }
      }
      return named
    }
    guard chosen.count == 1, chosen[0].scale == 1 else {
      throw APIError(
        .invalidRequest, "'lora': one adapter at scale 1 answers; the others have scale 0",
        param: "lora", code: "unsupported_parameter")
    }
    return try model(
      "\(Workspace.baseReference):\(loraAdapter(chosen[0].id, for: call))", for: call)
  }
}

extension CompletionBody {
  /// What the engine is asked, prompt by prompt.
  var prompts: [ServicePrompt] {
    switch input {
    case .chat(let messages):
      [.messages(messages.map { Message(role: $0.role.rawValue, content: $0.content) })]
    case .text(.text(let text)): [.text(text)]
    case .text(.texts(let texts)): texts.map { .text($0) }
    case .text(.tokens(let tokens)): [.tokens(tokens.map { Token(clamping: $0) })]
    case .text(.tokenLists(let lists)): lists.map { .tokens($0.map { Token(clamping: $0) }) }
    }
  }

  /// How the engine is to draw tokens of the answer `index` of a prompt.
  func sampler(_ index: Int) -> SamplerSettings {
    var sampler = SamplerSettings()
    sampler.temperature = Float(sampling.temperature)
    // A share of nothing is the best token alone.
    sampler.topP = max(Float(sampling.topP), .leastNormalMagnitude)
    sampler.topK = sampling.topK ?? 0
    sampler.minP = Float(sampling.minP)
    sampler.repetitionPenalty = Float(sampling.repetitionPenalty)
    sampler.frequencyPenalty = Float(sampling.frequencyPenalty)
    sampler.presencePenalty = Float(sampling.presencePenalty)
    sampler.logitBias = Dictionary(
      uniqueKeysWithValues: sampling.logitBias.map { (Token(clamping: $0), Float($1)) })
    sampler.seed =
      sampling.seed.map { UInt64(bitPattern: Int64($0)) &+ UInt64(index) }
      ?? UInt64.random(in: 0 ... .max)
    return sampler
  }
}
