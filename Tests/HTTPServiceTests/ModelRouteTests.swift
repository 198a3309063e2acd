import Digests
import HTTPService
import JSON
import Lorikeet
import Registry
import Testing
import Toys

/// The routes that tell of models, of tokens and of the server.
@Suite struct ModelRouteTests {
  @Test func modelsAreListed() throws {
    let toy = try ToyService()
    let version = try toy.publish(1, as: "acme/support")
    try toy.publish(2, as: "acme/support", alias: "production")
    let reply = try toy.get("/v1/models")
    #expect(reply.status == 200 && reply.json["object"] == "list")
    let cards = try #require(reply.json["data"]?.arrayValue)
    #expect(cards.map { $0["id"]?.stringValue } == ["toy", "acme/support"])
    #expect(cards[0]["parent"]?.isNull == true && cards[1]["parent"] == "toy")
    #expect(cards[0]["max_model_len"] == 512)
    for card in cards { #expect(card["object"] == "model" && card["owned_by"] == "lorikeet") }

    for name in ["acme/support@1", "acme%2Fsupport%401", "toy:acme/support@1"] {
      let one = try toy.get("/v1/models/\(name)")
      #expect(one.status == 200 && one.json["root"]?.stringValue == version.digest.hex, "\(name)")
    }
    #expect(try toy.get("/v1/models/base").json["id"] == "base")
    let missing = try toy.get("/v1/models/acme/suport")
    #expect(missing.status == 404 && missing.error.code == "model_not_found")
    #expect(missing.error.message.contains("did you mean 'acme/support'"))
    #expect(try toy.get("/v1/models/").status == 404)
  }

  @Test func aListedModelIsTheOneThatAnswers() throws {
    let toy = try ToyService()
    let first = try toy.publish(1, as: "a", alias: "production")
    let second = try toy.publish(2, as: "a")
    func root() throws -> String? {
      try toy.get("/v1/models").json["data"]?.arrayValue?.last?["root"]?.stringValue
    }
    #expect(try root() == first.digest.hex)
    #expect(try toy.get("/v1/models/a").json["root"]?.stringValue == first.digest.hex)
    try toy.registry.setAlias("production", to: "a@2")
    #expect(try root() == second.digest.hex)
  }

  @Test func modelsAreDeleted() throws {
    let toy = try ToyService()
    for seed in 1...3 { try toy.publish(seed, as: "a") }
    let one = try toy.ask("DELETE", "/v1/models/a@2")
    #expect(one.status == 200 && one.json["deleted"] == true && one.json["id"] == "a@2")
    #expect(try toy.registry.versions(of: "a").map(\.number) == [3, 1])
    try toy.registry.setAlias("production", to: "a@1")
    for name in ["a", "a@1"] {
      let refused = try toy.ask("DELETE", "/v1/models/\(name)")
      #expect(refused.status == 409 && refused.error.code == "conflict", "\(refused.text)")
    }
    try toy.registry.removeAlias("a", alias: "production")
    #expect(try toy.ask("DELETE", "/v1/models/a").status == 200)
    #expect(try toy.ask("DELETE", "/v1/models/a").status == 404)
    #expect(try toy.say("a").status == 404)
    let base = try toy.ask("DELETE", "/v1/models/base")
    #expect(base.status == 400 && base.error.message.contains("cannot be deleted"))
    #expect(try toy.ask("DELETE", "/v1/models/toy").status == 400)
  }

  @Test func tokensGoThereAndBack() throws {
    let toy = try ToyService()
    let text = "Hello, ärger!\nþ"
    let reply = try toy.post("/tokenize", ["prompt": .string(text)])
    let tokens = try #require(reply.json["tokens"])
    #expect(reply.json["count"]?.intValue == text.utf8.count)
    #expect(reply.json["max_model_len"] == 512)
    #expect(try toy.post("/tokenize", ["content": .string(text)]).json["tokens"] == tokens)
    let back = try toy.post("/detokenize", ["tokens": tokens])
    #expect(back.json["prompt"]?.stringValue == text && back.json["content"]?.stringValue == text)

    let chat = try toy.post("/tokenize", ["messages": [["role": "user", "content": "Hi"]]])
    let rendered = "<|start|>user\nHi<|stop|><|start|>assistant\n"
    #expect(
      chat.json["tokens"]
        == (try toy.post("/tokenize", ["prompt": .string(rendered)]).json["tokens"]))
    #expect(chat.json["count"] == 20)

    for body: JSONValue in [[:], ["prompt": 1], ["prompt": "x", "model": "none"]] {
      #expect(try [400, 404].contains(toy.post("/tokenize", body).status), "\(body.text())")
    }
    for body: JSONValue in [[:], ["tokens": "x"], ["tokens": [1.5]], ["tokens": [9_999_999_999]]] {
      #expect(try toy.post("/detokenize", body).status == 400, "\(body.text())")
    }
    for token in [-1, 99_999, 2_000_000_000] {
      let reply = try toy.post("/detokenize", ["tokens": [.int(token)]])
      #expect(reply.status == 400 && reply.error.message.contains("token \(token)"))
    }
    let special = "<|start|>user"
    let ids = try #require(
      try toy.post("/tokenize", ["prompt": .string(special)]).json["tokens"])
    #expect(ids.arrayValue?.count == 5)
    #expect(try toy.post("/detokenize", ["tokens": ids]).json["prompt"]?.stringValue == special)
    for (name, value) in [
      ("add_generation_prompt", false), ("with_pieces", true), ("parse_special", false),
      ("return_token_strs", true), ("add_special_tokens", false),
    ] {
      let refused = try toy.post(
        "/tokenize", .object(JSONObject([("prompt", "x"), (name, .bool(value))])))
      #expect(refused.status == 400 && refused.json["error"]?["param"]?.stringValue == name)
      let same = try toy.post(
        "/tokenize", .object(JSONObject([("prompt", "x"), (name, .bool(!value))])))
      #expect(same.status == 200)
    }
  }

  @Test func healthAndVersionAreTold() throws {
    let toy = try ToyService()
    #expect(try toy.get("/health").json["status"] == "ok")
    #expect(try toy.get("/version").json["version"]?.stringValue == Workspace.program)
  }

  @Test func headHasTheHeadOfGet() throws {
    let toy = try ToyService()
    let client = try toy.client()
    for path in ["/health", "/v1/models", "/v1/models/toy", "/metrics", "/v1/models/none"] {
      let head = try client.ask("HEAD", path)
      let whole = try client.ask("GET", path)
      #expect(head.status == whole.status && head.body.isEmpty, "\(path)")
      #expect(head.header("content-type") == whole.header("content-type"))
    }
  }

  @Test func anotherMethodIsRefusedWithThoseThatAreNot() throws {
    let toy = try ToyService()
    for (method, path, takes) in [
      ("GET", "/v1/completions", "POST"), ("POST", "/v1/models", "GET"),
      ("PUT", "/v1/models/toy", "GET, DELETE"), ("DELETE", "/health", "GET"),
      ("HEAD", "/v1/completions", ""), ("BREW", "/metrics", "GET"),
    ] {
      let reply = try toy.ask(method, path)
      #expect(reply.status == 405, "\(method) \(path)")
      if method != "HEAD" {
        #expect(reply.error.code == "method_not_allowed")
        #expect(reply.error.message.contains("takes \(takes)"), "\(reply.error.message)")
      }
      // RFC 9110, 15.5.6: a 405 says what is allowed.
      #expect(reply.header("allow")?.isEmpty == false, "\(method) \(path)")
    }
  }

  @Test(arguments: [
    "/", "/v1", "/v1/model", "/chat/completions", "/admin", "/v1/completions/", "//",
  ])
  func aRouteThatIsNotThereIsRefused(path: String) throws {
    let toy = try ToyService()
    let reply = try toy.get(path)
    #expect(reply.status == 404 && reply.error.code == "no_route")
    if path == "/chat/completions" {
      #expect(reply.error.message.contains("did you mean '/v1/chat/completions'"))
    }
  }

  @Test func everyRequestHasAnIDOfItsOwn() throws {
    let toy = try ToyService()
    let ids = try (0..<20).map { _ in try toy.get("/health").header("x-request-id") }
    #expect(Set(ids).count == 20 && !ids.contains(nil))
  }
}
