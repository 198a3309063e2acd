import Digests
import Foundation
import HTTPService
import JSON
import Lorikeet
import Serving
import Testing
import Toys

/// `/v1/completions` and `/v1/chat/completions` on a live server.
@Suite struct CompletionRouteTests {
  @Test func aTextIsGoneOnWith() throws {
    let toy = try ToyService()
    let reply = try toy.post("/v1/completions", ToyService.question("toy", "Say it", tokens: 9))
    #expect(reply.status == 200 && reply.header("content-type") == "application/json")
    let json = reply.json
    #expect(json["object"] == "text_completion" && json["model"] == "toy")
    #expect(json["id"]?.stringValue?.hasPrefix("cmpl-") == true)
    #expect(json["choices"]?.arrayValue?[0]["finish_reason"] == "length")
    #expect(json["usage"]?["prompt_tokens"] == 6 && json["usage"]?["completion_tokens"] == 9)
    #expect(json["usage"]?["total_tokens"] == 15)
    #expect(reply.answer?.isEmpty == false)
    let digest = toy.service.base.record.facts.fingerprint.hex
    #expect(reply.header("x-adapter-version") == "toy")
    #expect(reply.header("x-adapter-digest") == digest)
    #expect(reply.header("x-request-id")?.count == 32)
  }

  @Test func aConversationGoesThroughTheTemplate() throws {
    let toy = try ToyService()
    let reply = try toy.post("/v1/chat/completions", ToyService.chat("toy", "Hé", tokens: 5))
    #expect(reply.status == 200 && reply.json["object"] == "chat.completion")
    let message = reply.json["choices"]?.arrayValue?[0]["message"]
    #expect(message?["role"] == "assistant")
    let asText = try toy.post(
      "/v1/completions",
      ToyService.question("toy", "<|start|>user\nHé<|stop|><|start|>assistant\n", tokens: 5))
    #expect(message?["content"]?.stringValue == asText.answer && asText.answer != nil)
    // The same tokens; the second has found the beginning of the first.
    #expect(reply.json["usage"]?["total_tokens"] == asText.json["usage"]?["total_tokens"])
    let cached = asText.json["usage"]?["prompt_tokens_details"]?["cached_tokens"]
    #expect(cached == 16)
  }

  @Test func anAdapterAnswersByAllItsNames() throws {
    let toy = try ToyService()
    let first = try toy.publish(1, as: "acme/support")
    let second = try toy.publish(2, as: "acme/support")
    try toy.registry.setAlias("old", to: "acme/support@1")
    var answers: [String?] = [try toy.say("toy").answer]
    for version in [first, second] {
      let reply = try toy.say(version.reference)
      #expect(reply.status == 200 && reply.json["model"]?.stringValue == version.reference)
      #expect(reply.header("x-adapter-version") == version.reference)
      #expect(reply.header("x-adapter-digest") == version.digest.hex)
      let fingerprint = reply.json["system_fingerprint"]?.stringValue ?? ""
      #expect(fingerprint.hasSuffix("_" + version.digest.short))
      answers.append(reply.answer)
    }
    #expect(Set(answers).count == 3, "the base and two adapters say three things: \(answers)")
    let names = [
      ("toy", 0), ("base", 0), ("acme/support@1", 1), ("acme/support:old", 1),
      ("toy:acme/support:old", 1), ("base:acme/support@1", 1), ("acme/support", 2),
      ("acme/support:latest", 2), ("acme/support@latest", 2), ("toy:acme/support", 2),
    ]
    for (name, index) in names {
      #expect(try toy.say(name).answer == answers[index], "\(name)")
    }
  }

  @Test func aModelThatIsNotThereHasANeighbour() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "support", alias: "production")
    let cases = [
      ("suport", "did you mean 'support'"), ("support@7", "newest is 1"),
      ("support:prodution", "did you mean 'production'"), ("tox", "did you mean the base 'toy'"),
      ("Not A Name", "is not a name"), ("SUPPORT", "did you mean 'support'"),
      ("Toy", "did you mean 'toy'"), ("toy:", "is not a name"), ("base:base", "name an adapter"),
      ("support@-1", "after '@' comes a version number"),
    ]
    for (name, hint) in cases {
      for path in ["/v1/completions", "/v1/chat/completions"] {
        let chat = path.contains("chat")
        let reply = try toy.post(path, chat ? ToyService.chat(name) : ToyService.question(name))
        #expect(reply.status == 404, "\(name)")
        #expect(reply.error.type == "not_found_error" && reply.error.code == "model_not_found")
        #expect(reply.error.message.contains(hint), "\(name): \(reply.error.message)")
        #expect(reply.json["error"]?["param"] == "model")
        #expect(reply.header("x-request-id") != nil)
      }
    }
  }

  @Test(arguments: ["/v1/completions", "/v1/chat/completions"])
  func aStreamSaysWhatAWholeAnswerSays(path: String) throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    let chat = path.contains("chat")
    for model in ["toy", "a"] {
      for more: JSONValue in [[:], ["stop": ["e", "zz"]], ["n": 3], ["logprobs": chat ? true : 2]] {
        let make = chat ? ToyService.chat : ToyService.question
        let whole = try toy.post(path, make(model, "Go on", 40, more))
        #expect(whole.status == 200, "\(whole.text)")
        let streamed = JSONObject(
          (more.objectValue?.members ?? []).map { ($0.key, $0.value) } + [
            ("stream", true), ("stream_options", ["include_usage": true]),
          ])
        let reply = try toy.stream(path, make(model, "Go on", 40, .object(streamed)))
        #expect(reply.status == 200 && reply.isDone)
        #expect(headerValue("content-type", in: reply.head) == "text/event-stream")
        #expect(
          headerValue("x-adapter-version", in: reply.head) == whole.header("x-adapter-version"))
        #expect(headerValue("x-adapter-digest", in: reply.head) == whole.header("x-adapter-digest"))
        #expect(headerValue("x-request-id", in: reply.head) != nil)
        for index in 0..<(more["n"]?.intValue ?? 1) {
          let choice = try #require(whole.json["choices"]?.arrayValue?[index])
          #expect(reply.text(index) == whole.text(index), "\(model) \(more.text())")
          #expect(reply.finish(index) == choice["finish_reason"]?.stringValue)
          let lists = reply.choices(index).compactMap { $0["logprobs"] }.filter { !$0.isNull }
          let name = chat ? "content" : "tokens"
          let tokens = lists.flatMap { $0[name]?.arrayValue ?? [] }
          #expect(tokens == choice["logprobs"]?[name]?.arrayValue ?? [])
          let offsets = lists.flatMap { $0["text_offset"]?.arrayValue ?? [] }
          #expect(offsets == choice["logprobs"]?["text_offset"]?.arrayValue ?? [])
        }
        let usage = try #require(reply.events.last?["usage"])
        #expect(usage["completion_tokens"] == whole.json["usage"]?["completion_tokens"])
        #expect(usage["prompt_tokens"] == whole.json["usage"]?["prompt_tokens"])
        let others = reply.events.dropLast()
        #expect(others.allSatisfy { $0["usage"]?.isNull == true && $0["choices"] != [] })
        #expect(Set(reply.events.compactMap { $0["id"]?.stringValue }).count == 1)
      }
    }
  }

  @Test func severalPromptsAreAnsweredInOrder() throws {
    let toy = try ToyService()
    let prompts = ["One", "Two, which is longer", "Three"]
    let alone = try prompts.map { try toy.say("toy", $0, tokens: 8) }
    let together = try toy.post(
      "/v1/completions",
      ToyService.question(
        "toy", tokens: 8, with: ["prompt": .array(prompts.map { .string($0) }), "n": 2]))
    #expect(together.json["choices"]?.arrayValue?.count == 6)
    for index in 0..<6 {
      #expect(together.text(index) == alone[index / 2].answer)
      #expect(together.json["choices"]?.arrayValue?[index]["index"]?.intValue == index)
    }
    let tokens = prompts.reduce(0) { $0 + $1.utf8.count }
    #expect(together.json["usage"]?["prompt_tokens"]?.intValue == tokens)
    #expect(together.json["usage"]?["completion_tokens"]?.intValue == 48)
  }

  @Test func promptsMayBeTokens() throws {
    let toy = try ToyService()
    let tokens: [JSONValue] = toy.service.base.tokenizer.encode("Say it", addSpecialTokens: false)
      .map { .int(Int($0)) }
    let wanted = try toy.say("toy").answer
    let one = try toy.post(
      "/v1/completions", ToyService.question("toy", with: ["prompt": .array(tokens)]))
    #expect(one.answer == wanted && wanted != nil)
    let two = try toy.post(
      "/v1/completions",
      ToyService.question("toy", with: ["prompt": [.array(tokens), .array(tokens)]]))
    #expect(two.text(0) == wanted && two.text(1) == wanted)
    for token in [131, 4_000_000_000] {
      let bad = try toy.post(
        "/v1/completions", ToyService.question("toy", with: ["prompt": [.int(token)]]))
      #expect(bad.status == 400 && bad.error.message.contains("\(token)"), "\(bad.text)")
    }
  }

  @Test func anEchoStandsBeforeEachAnswer() throws {
    let toy = try ToyService()
    let prompts = (0..<400).map { "Prompt \($0)" }
    let list = JSONValue.array(prompts.map { .string($0) })
    let whole = try toy.post(
      "/v1/completions",
      ToyService.question("toy", tokens: 4, with: ["prompt": list, "echo": true]))
    let plain = try toy.post(
      "/v1/completions", ToyService.question("toy", tokens: 4, with: ["prompt": list]))
    let streamed = try toy.stream(
      "/v1/completions",
      ToyService.question("toy", tokens: 4, with: ["prompt": list, "echo": true, "stream": true]))
    for (index, prompt) in prompts.enumerated() {
      #expect(whole.text(index) == prompt + (plain.text(index) ?? "?"))
      #expect(streamed.text(index) == whole.text(index))
    }
  }

  @Test func anEchoIsThePromptToTheLetter() throws {
    let toy = try ToyService()
    let prompt = "a <|stop|> b"
    let body = ToyService.question("toy", prompt, tokens: 3, with: ["echo": true])
    #expect(try toy.post("/v1/completions", body).answer?.hasPrefix(prompt) == true)
    let tokens = try #require(
      try toy.post("/tokenize", ["prompt": .string(prompt)]).json["tokens"])
    let same = ToyService.question("toy", tokens: 3, with: ["echo": true, "prompt": tokens])
    #expect(try toy.post("/v1/completions", same).answer?.hasPrefix(prompt) == true)
  }

  @Test func aSeedMakesTheSameAnswersAgain() throws {
    let toy = try ToyService()
    func drawn(_ seed: JSONValue) throws -> [String?] {
      let reply = try toy.post(
        "/v1/completions",
        ToyService.question("toy", tokens: 20, with: ["temperature": 1.5, "seed": seed, "n": 3]))
      return (0..<3).map { reply.text($0) }
    }
    let first = try drawn(7)
    #expect(try drawn(7) == first)
    #expect(Set(first).count == 3, "answers of one request differ")
    #expect(try drawn(8) != first && drawn(-9_223_372_036_854_775_808) != first)
    #expect(try drawn(nil) != drawn(nil))
  }

  @Test func aStopTextEndsAnAnswerBeforeIt() throws {
    let toy = try ToyService()
    let whole = try #require(try toy.say("toy", tokens: 30).answer)
    // A text that the answer has somewhere behind its start.
    let letters = Array(whole)
    let place = letters.count / 2
    let stop = String(letters[place..<min(place + 2, letters.count)])
    let reply = try toy.post(
      "/v1/completions", ToyService.question("toy", tokens: 30, with: ["stop": .string(stop)]))
    let wanted = whole.components(separatedBy: stop)[0]
    #expect(
      reply.answer == wanted && reply.json["choices"]?.arrayValue?[0]["finish_reason"] == "stop")
  }

  @Test func usageTellsNoMoreCachedThanThereWere() throws {
    let toy = try ToyService()
    let prompt = String(repeating: "A long beginning. ", count: 8)
    var last = JSONValue.null
    for _ in 0..<2 {
      let reply = try toy.post(
        "/v1/completions", ToyService.question("toy", prompt, tokens: 3, with: ["n": 4]))
      last = reply.json["usage"] ?? .null
    }
    let cached = last["prompt_tokens_details"]?["cached_tokens"]?.intValue ?? 0
    #expect(cached > 0, "the second time the beginning is known")
    #expect(cached <= last["prompt_tokens"]?.intValue ?? 0, "\(last.text())")
  }
}
