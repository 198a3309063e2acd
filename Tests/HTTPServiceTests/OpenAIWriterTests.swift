import HTTPService
import JSON
import Testing

@Suite("Answers of OpenAI's API") struct OpenAIWriterTests {
  private func writer(_ route: CompletionRoute, usage: Bool = false) -> CompletionWriter {
    CompletionWriter(
      route: route, id: "id-1", created: 1_700_000_000, model: "acme/support@3",
      fingerprint: "0a1b2c", includesUsage: usage)
  }

  private let head = #""created":1700000000,"model":"acme/support@3","system_fingerprint":"0a1b2c""#
  private let tokens = [
    AnswerToken(
      bytes: Array("Gr".utf8), logprob: -0.5,
      top: [.init(bytes: Array("Gr".utf8), logprob: -0.5), .init(bytes: [0xC3], logprob: -1.25)]),
    AnswerToken(bytes: [0xC3], logprob: -.infinity, top: [.init(bytes: [0x41], logprob: .nan)]),
    AnswerToken(bytes: [0xBC], logprob: 0),
    AnswerToken(bytes: Array("ß!".utf8), logprob: -2),
  ]

  @Test("a whole chat completion, to the letter")
  func chat() {
    let answers = [
      CompletedAnswer(text: "Grü\"ß\"\n!", finish: .stop),
      CompletedAnswer(text: "", finish: .length),
    ]
    #expect(
      writer(.chat).whole(answers, usage: TokenUsage(prompt: 5, completion: 7)).text()
        == #"{"id":"id-1","object":"chat.completion",\#(head),"choices":["#
        + #"{"index":0,"message":{"role":"assistant","content":"Grü\"ß\"\n!","refusal":null},"logprobs":null,"finish_reason":"stop"},"#
        + #"{"index":1,"message":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":"length"}],"#
        + #""usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#)
  }

  @Test("a whole text completion, to the letter")
  func text() {
    let usage = TokenUsage(prompt: 5, completion: 1, cached: 4)
    #expect(
      writer(.text).whole([CompletedAnswer(text: " x", finish: .length)], usage: usage).text()
        == #"{"id":"id-1","object":"text_completion",\#(head),"choices":["#
        + #"{"index":0,"text":" x","logprobs":null,"finish_reason":"length"}],"#
        + #""usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6,"prompt_tokens_details":{"cached_tokens":4}}}"#
    )
  }

  @Test("a stream of a chat: who speaks, pieces, the end, the usage, the last event")
  func chatStream() {
    let plain = writer(.chat)
    func chunk(_ choices: String, _ tail: String = "") -> String {
      #"{"id":"id-1","object":"chat.completion.chunk",\#(head),"choices":[\#(choices)]\#(tail)}"#
    }
    #expect(
      plain.first(1)?.text()
        == chunk(
          #"{"index":1,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}"#
        ))
    #expect(
      plain.piece(1, text: "a\nb").text()
        == chunk(#"{"index":1,"delta":{"content":"a\nb"},"logprobs":null,"finish_reason":null}"#))
    #expect(
      plain.last(1, .stop).text()
        == chunk(#"{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}"#))
    #expect(plain.usage(TokenUsage(prompt: 1, completion: 2)) == nil)
    let counting = writer(.chat, usage: true)
    #expect(
      counting.last(0, .length).text()
        == chunk(
          #"{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}"#, #","usage":null"#))
    #expect(
      counting.usage(TokenUsage(prompt: 1, completion: 2))?.text()
        == chunk("", #","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#))
    #expect(
      String(decoding: CompletionWriter.event(["a": "b\nc"]), as: UTF8.self)
        == #"data: {"a":"b\nc"}"# + "\n\n")
    #expect(String(decoding: CompletionWriter.done, as: UTF8.self) == "data: [DONE]\n\n")
  }

  @Test("a stream of a text: pieces and the end")
  func textStream() {
    let writer = writer(.text)
    #expect(writer.first(0) == nil)
    let start = #"{"id":"id-1","object":"text_completion",\#(head),"choices":["#
    #expect(
      writer.piece(2, text: "a").text()
        == start + #"{"index":2,"text":"a","logprobs":null,"finish_reason":null}]}"#)
    #expect(
      writer.last(2, .stop).text()
        == start + #"{"index":2,"text":"","logprobs":null,"finish_reason":"stop"}]}"#)
  }

  @Test("log probabilities of a chat: a token's bytes are exact, and no number is infinite")
  func chatLogprobs() {
    let answer = CompletedAnswer(text: "Grüß!", finish: .stop, tokens: Array(tokens.prefix(3)))
    let json = writer(.chat).whole([answer], usage: TokenUsage(prompt: 1, completion: 3))
    #expect(
      json["choices"]?.arrayValue?[0]["logprobs"]?.text()
        == #"{"content":[{"token":"Gr","logprob":-0.5,"bytes":[71,114],"top_logprobs":["#
        + #"{"token":"Gr","logprob":-0.5,"bytes":[71,114]},{"token":"\\xc3","logprob":-1.25,"bytes":[195]}]},"#
        + #"{"token":"\\xc3","logprob":-9999.0,"bytes":[195],"top_logprobs":[{"token":"A","logprob":-9999.0,"bytes":[65]}]},"#
        + #"{"token":"\\xbc","logprob":0.0,"bytes":[188],"top_logprobs":[]}],"refusal":null}"#)
    let piece = writer(.chat).piece(0, text: "Gr", tokens: [tokens[0]])
    #expect(piece.text().contains(#""logprobs":{"content":[{"token":"Gr","logprob":-0.5"#))
  }

  @Test(
    "log probabilities of a text: lists side by side, offsets in letters, the first of all has none"
  )
  func textLogprobs() {
    let first = AnswerToken(bytes: Array("A".utf8), logprob: nil)
    let answer = CompletedAnswer(text: "AGrüß!", finish: .stop, tokens: [first] + tokens)
    let json = writer(.text).whole([answer], usage: TokenUsage(prompt: 1, completion: 5))
    #expect(
      json["choices"]?.arrayValue?[0]["logprobs"]?.text()
        == #"{"tokens":["A","Gr","bytes:\\xc3","bytes:\\xbc","ß!"],"token_logprobs":[null,-0.5,-9999.0,0.0,-2.0],"#
        + #""top_logprobs":[null,{"Gr":-0.5,"bytes:\\xc3":-1.25},{"A":-9999.0,"bytes:\\xc3":-9999.0},{"bytes:\\xbc":0.0},{"ß!":-2.0}],"#
        + #""text_offset":[0,1,3,4,4]}"#)
    let piece = writer(.text).piece(0, text: "ß!", tokens: [tokens[3]], offset: 40)
    #expect(piece.text().contains(#""text_offset":[40]"#))
  }

  @Test("models, their list and a deletion, to the letter")
  func models() {
    let base = ModelCard(id: "base", created: 5, root: "/models/x.gguf", contextLength: 8192)
    let adapter = ModelCard(id: "acme/support", created: 6, root: "ab12", parent: "base")
    #expect(
      ModelCard.list([base, adapter]).text()
        == #"{"object":"list","data":[{"id":"base","object":"model","created":5,"owned_by":"lorikeet","root":"/models/x.gguf","parent":null,"max_model_len":8192},"#
        + #"{"id":"acme/support","object":"model","created":6,"owned_by":"lorikeet","root":"ab12","parent":"base","max_model_len":null}]}"#
    )
    #expect(ModelCard.list([]).text() == #"{"object":"list","data":[]}"#)
    #expect(
      ModelCard.deleted("acme/support").text()
        == #"{"id":"acme/support","object":"model","deleted":true}"#)
  }

  @Test("a refusal in OpenAI's shape, with its status and headers")
  func errors() {
    let error = APIError(
      .rateLimit, "too many \"requests\"", param: nil, code: "rate_limit_exceeded", retryAfter: 30)
    let response = error.response
    #expect(response.status == 429)
    #expect(
      String(decoding: response.body, as: UTF8.self)
        == #"{"error":{"message":"too many \"requests\"","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#
    )
    #expect(
      response.headers.map { "\($0.name): \($0.value)" }
        == ["content-type: application/json", "retry-after: 30"])
    let kinds = APIError.Kind.allCases.map { APIError($0, "x").response }
    #expect(kinds.map(\.status) == [400, 401, 403, 404, 429, 500])
    #expect(kinds[1].headers.map(\.value) == ["application/json", "Bearer"])
    #expect(APIError(.server, "busy", status: 503).response.status == 503)
    #expect(APIError(.invalidRequest, "x", param: "n").json["error"]?["param"] == "n")
  }
}
