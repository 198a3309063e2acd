public import JSON

/// Writes answers as OpenAI's API has them: whole ones, and the pieces of a stream.
public struct CompletionWriter: Sendable {
  /// Which route's shapes.
  public var route: CompletionRoute
  /// The answer's id, such as `chatcmpl-...`.
  public var id: String
  /// When it was asked for, in seconds since 1970.
  public var created: Int
  /// What answers: `name@VERSION`.
  public var model: String
  /// The digest of base and adapter, short.
  public var fingerprint: String
  /// Whether a stream ends with a piece that tells how many tokens there were.
  public var includesUsage: Bool

  /// A writer of one request's answers.
  public init(
    route: CompletionRoute, id: String, created: Int, model: String, fingerprint: String,
    includesUsage: Bool = false
  ) {
    self.route = route
    self.id = id
    self.created = created
    self.model = model
    self.fingerprint = fingerprint
    self.includesUsage = includesUsage
  }

  /// All answers at once, in their order.
  public func whole(_ answers: [CompletedAnswer], usage: TokenUsage) -> JSONValue {
    let choices = answers.enumerated().map { index, answer in
      choice(
        index, text: answer.text, finish: answer.finish,
        logprobs: logprobs(answer.tokens, offset: 0))
    }
    var body = head(route == .chat ? "chat.completion" : "text_completion", choices: choices)
    body["usage"] = usage.json
    return .object(body)
  }

  private func choice(
    _ index: Int, text: String, finish: FinishReason, logprobs: JSONValue
  ) -> JSONValue {
    switch route {
    case .chat:
      [
        "index": .int(index),
        "message": ["role": "assistant", "content": .string(text), "refusal": nil],
        "logprobs": logprobs, "finish_reason": .string(finish.rawValue),
      ]
    case .text:
      [
        "index": .int(index), "text": .string(text), "logprobs": logprobs,
        "finish_reason": .string(finish.rawValue),
      ]
    }
  }

  func head(_ object: String, choices: [JSONValue]) -> JSONObject {
    [
      "id": .string(id), "object": .string(object), "created": .int(created),
      "model": .string(model), "system_fingerprint": .string(fingerprint),
      "choices": .array(choices),
    ]
  }

  func logprobs(_ tokens: [AnswerToken]?, offset: Int) -> JSONValue {
    guard let tokens else { return nil }
    return route == .chat ? tokens.chatLogprobs : tokens.textLogprobs(from: offset)
  }
}

extension TokenUsage {
  var json: JSONValue {
    var usage: JSONObject = [
      "prompt_tokens": .int(prompt), "completion_tokens": .int(completion),
      "total_tokens": .int(prompt + completion),
    ]
    if let cached { usage["prompt_tokens_details"] = ["cached_tokens": .int(cached)] }
    return .object(usage)
  }
}
