import HTTPService
import JSON
import Lorikeet
import Serving
import Testing
import Toys

/// What the completion routes refuse, and how.
@Suite struct CompletionRefusalTests {
  @Test func whatMakesNoSenseIsRefused() throws {
    let toy = try ToyService()
    let long = String(repeating: "x", count: 600)
    let cases: [(JSONValue, String?, String)] = [
      (ToyService.question("toy", long), "context_length_exceeded", "600 tokens"),
      (ToyService.question("toy", ""), nil, "empty"),
      (ToyService.question("toy", tokens: 0), "invalid_value", "max_tokens"),
      (
        ToyService.question("toy", with: ["echo": true, "logprobs": 1]), "unsupported_parameter",
        "echo"
      ),
      (ToyService.question("toy", with: ["n": 0]), "invalid_value", "'n'"),
      (ToyService.question("toy", with: ["logit_bias": ["99999": 1]]), nil, "token 99999"),
      (ToyService.question("toy", with: ["temprature": 1]), "unknown_parameter", "temperature"),
      (ToyService.question("toy", with: ["tools": [1]]), "unsupported_parameter", "tools"),
      (["prompt": "x"], "missing_required_parameter", "model"),
      (["model": "toy"], "missing_required_parameter", "prompt"),
    ]
    for (body, code, hint) in cases {
      let reply = try toy.post("/v1/completions", body)
      #expect(reply.status == 400 && reply.error.type == "invalid_request_error", "\(body.text())")
      #expect(reply.error.code == code && reply.error.message.contains(hint), "\(reply.text)")
    }
    #expect(try toy.say("toy").status == 200)
    #expect(eventually { toy.service.loop.statistics.running == 0 })
  }

  @Test(arguments: ["", "{", "[]", "null", "\"x\"", "{\"model\":\"toy\",}", "\u{0}"])
  func aBodyThatIsNoObjectIsRefused(body: String) throws {
    let toy = try ToyService()
    let posts = ["/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"]
    let changes = ["load_lora_adapter", "unload_lora_adapter"].map { "/v1/\($0)" }
    let admin = ["alias", "promote", "rollback", "unalias", "remove"].map { "/admin/\($0)" }
    for path in posts + changes + admin {
      let client = try toy.client()
      client.send(
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
      client.send(body)
      let reply = try client.response()
      #expect(reply.status == 400 && reply.error.type == "invalid_request_error", "\(path)")
    }
  }

  @Test func onePromptTooLongTakesTheOthersBack() throws {
    let toy = try ToyService()
    let list: JSONValue = ["short", .string(String(repeating: "x", count: 600)), "short"]
    let reply = try toy.post("/v1/completions", ToyService.question("toy", with: ["prompt": list]))
    #expect(reply.status == 400 && reply.error.code == "context_length_exceeded")
    #expect(eventually { toy.service.loop.statistics.running == 0 })
  }

  @Test func aTemplateThatRefusesIsTheClientsFault() throws {
    let toy = try ToyService()
    let reply = try toy.post(
      "/v1/chat/completions", ["model": "toy", "messages": [["role": "tool", "content": "x"]]])
    #expect(reply.status == 400 && reply.error.message.contains("messages[0].role"))
  }

  @Test func whoComesWhenTheQueueIsFullIsToldToComeAgain() throws {
    let toy = try ToyService { options, _ in
      options.limits.streams = 1
      options.limits.waiting = 1
    }
    let never = try toy.post("/v1/completions", ToyService.question("toy", with: ["n": 3]))
    #expect(never.status == 400 && never.error.message.contains("2 at most"), "\(never.text)")
    let client = try toy.client()
    client.request(
      "POST", "/v1/completions",
      ToyService.question("toy", tokens: 400, with: ["n": 2, "stream": true]))
    _ = try client.streamHead()
    let reply = try toy.say("toy")
    #expect(reply.status == 429 && reply.error.code == "overloaded", "\(reply.text)")
    #expect(reply.header("retry-after") == "5")
    #expect(try eventually { try toy.say("toy").status == 200 })
  }

  @Test func whatNeedsMoreMemoryThanThereIsIsRefused() throws {
    let toy = try ToyService { options, _ in options.memoryBytes = 10_000 }
    let reply = try toy.say("toy", tokens: 400)
    #expect(reply.status == 400 && reply.error.code == "too_large", "\(reply.text)")
  }

  @Test func aLateAnswerIsGivenUp() throws {
    let toy = try ToyService { options, _ in options.patience = 0.001 }
    let reply = try toy.say("toy", tokens: 500)
    #expect(reply.status == 504 && reply.error.code == "too_late", "\(reply.text)")
  }

  @Test func aServerThatStopsEndsItsStreams() throws {
    let toy = try ToyService()
    let client = try toy.client()
    client.request(
      "POST", "/v1/completions",
      ToyService.question("toy", tokens: 500, with: ["stream": true, "n": 64]))
    _ = try client.streamHead()
    toy.http.stop()
    #expect(client.rest() != nil, "the connection ends")
  }

  @Test func aServerThatDrainsFinishesItsAnswers() throws {
    let toy = try ToyService()
    let body = ToyService.question("toy", tokens: 200, with: ["stream": true])
    let whole = try toy.post("/v1/completions", ToyService.question("toy", tokens: 200))
    let clients = try (0..<16).map { _ in try toy.client() }
    for client in clients { client.request("POST", "/v1/completions", body) }
    let heads = try clients.map { try $0.streamHead() }
    toy.http.drain()
    for (client, head) in zip(clients, heads) {
      let reply = try client.streamRest(head)
      #expect(reply.isDone && reply.text() == whole.answer)
    }
  }
}
