public import JSON

extension CompletionWriter {
  /// The last event of every stream that ends well.
  public static let done = Array("data: [DONE]\n\n".utf8)

  /// `piece` as a server-sent event: JSON text has no line breaks.
  public static func event(_ piece: JSONValue) -> [UInt8] {
    Array("data: ".utf8) + piece.bytes() + Array("\n\n".utf8)
  }

  /// The piece that begins an answer: who speaks. A text completion has none.
  public func first(_ index: Int) -> JSONValue? {
    guard route == .chat else { return nil }
    return chunk(index, delta: ["role": "assistant", "content": ""])
  }

  /// A piece of the answer `index`.
  /// - Parameters:
  ///   - tokens: Its tokens, where their log probabilities are asked for.
  ///   - offset: Letters of the answer before it; the route for texts tells where tokens begin.
  public func piece(
    _ index: Int, text: String, tokens: [AnswerToken]? = nil, offset: Int = 0
  ) -> JSONValue {
    let logprobs = logprobs(tokens, offset: offset)
    switch route {
    case .chat: return chunk(index, delta: ["content": .string(text)], logprobs: logprobs)
    case .text: return chunk(index, text: text, logprobs: logprobs)
    }
  }

  /// The piece that ends the answer `index`.
  public func last(_ index: Int, _ finish: FinishReason) -> JSONValue {
    let finish = JSONValue.string(finish.rawValue)
    switch route {
    case .chat: return chunk(index, delta: [:], finish: finish)
    case .text: return chunk(index, text: "", finish: finish)
    }
  }

  /// The piece before the end that tells how many tokens there were; nil where that is not asked for.
  public func usage(_ usage: TokenUsage) -> JSONValue? {
    guard includesUsage else { return nil }
    return chunk(choices: [], usage: usage.json)
  }

  private func chunk(
    _ index: Int, delta: JSONValue, logprobs: JSONValue = nil, finish: JSONValue = nil
  ) -> JSONValue {
    chunk(choices: [
      ["index": .int(index), "delta": delta, "logprobs": logprobs, "finish_reason": finish]
    ])
  }

  private func chunk(
    _ index: Int, text: String, logprobs: JSONValue = nil, finish: JSONValue = nil
  ) -> JSONValue {
    chunk(choices: [
      [
        "index": .int(index), "text": .string(text), "logprobs": logprobs, "finish_reason": finish,
      ]
    ])
  }

  private func chunk(choices: [JSONValue], usage: JSONValue = nil) -> JSONValue {
    let object = route == .chat ? "chat.completion.chunk" : "text_completion"
    var body = head(object, choices: choices)
    // Where it is asked for, every piece has it: null but in the last.
    if includesUsage { body["usage"] = usage }
    return .object(body)
  }
}
