import JSON
import Lorikeet
import Serving
import Tokenizers

extension Route {
  static let tokens: [Route] = [
    Route("POST", "/tokenize") { http, call in try http.tokenize(call) },
    Route("POST", "/detokenize") { http, call in try http.detokenize(call) },
  ]
}

extension HTTPService {
  /// Bytes that take a handler's thread for a second or so.
  private static let longestText = 1 << 20

  /// vLLM's `prompt` or `messages`, and llama-server's `content`.
  func tokenize(_ call: Call) throws -> HTTPResponse {
    let body = try call.body()
    let reader = ParameterReader(body)
    let model = try model(
      reader.string("model") ?? service.base.record.facts.name, for: call)
    try KnownParameters.checkTokenizing(reader)
    let prompt: ServicePrompt
    if reader["messages"] != nil {
      let messages = try ChatMessage.list(reader)
      prompt = .messages(messages.map { Message(role: $0.role.rawValue, content: $0.content) })
    } else if reader["content"] != nil {
      prompt = .text(try call.text("content", in: body))
    } else {
      prompt = .text(try call.text("prompt", in: body))
    }
    guard call.request.body.count <= Self.longestText else {
      throw APIError(
        .invalidRequest, "texts of \(Self.longestText) bytes are the longest; send it in parts",
        code: "invalid_value")
    }
    let tokens = try service.tokens(prompt, for: model)
    return .json([
      "count": .int(tokens.count), "max_model_len": .int(service.contextLength),
      "tokens": .array(tokens.map { .int(Int($0)) }),
    ])
  }

  func detokenize(_ call: Call) throws -> HTTPResponse {
    let body = try call.body()
    let reader = ParameterReader(body)
    _ = try reader.required("tokens")
    let tokens = try (reader.array("tokens", atMost: 1 << 20) ?? []).map { value in
      guard let token = value.intValue.flatMap(Token.init(exactly:)) else {
        throw APIError.wrongType("tokens", "a list of tokens' numbers", value)
      }
      return token
    }
    let text = try service.text(of: tokens)
    return .json(["prompt": .string(text), "content": .string(text)])
  }
}

extension HTTPService {
  /// A choice of the engine as the API tells of it.
  func token(_ choice: TokenChoice) -> AnswerToken {
    AnswerToken(
      bytes: service.bytes(of: choice.chosen.token),
      logprob: Double(choice.chosen.logProbability),
      top: choice.top.map {
        .init(bytes: service.bytes(of: $0.token), logprob: Double($0.logProbability))
      })
  }
}
