import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Synchronization
import Testing
import Toys

/// Keys at the door.
@Suite struct AccessTests {
  private let paths: [(method: String, path: String)] = [
    ("GET", "/v1/models"), ("POST", "/v1/completions"), ("GET", "/metrics"),
    ("GET", "/lora-adapters"), ("POST", "/tokenize"), ("GET", "/admin/adapters"),
    ("POST", "/admin/promote"), ("DELETE", "/v1/models/a"), ("POST", "/v1/load_lora_adapter"),
  ]

  @Test func withoutKeysAllComeIn() throws {
    let toy = try ToyService()
    for (method, path) in paths {
      let status = try toy.ask(method, path, method == "POST" ? [:] : nil).status
      #expect(
        ![401, 403].contains(status) || path == "/v1/load_lora_adapter", "\(path): \(status)")
    }
    let reply = try toy.get("/v1/models", key: "whatever")
    #expect(reply.status == 200, "clients send a key as a matter of course")
  }

  @Test func withoutKeysPagesOfOtherSitesDoNot() throws {
    let toy = try ToyService()
    for origin in ["http://evil.example", "null", "https://127.0.0.1.evil.example", "file://"] {
      for (method, path) in paths {
        let reply = try toy.ask(method, path, headers: ["Origin": origin])
        #expect(reply.status == 403 && reply.error.code == "foreign_origin", "\(path)")
      }
      #expect(try toy.ask("GET", "/health", headers: ["Origin": origin]).status == 200)
    }
    // Its own pages may: the client says `Host: 127.0.0.1`.
    let own = try toy.ask("GET", "/v1/models", headers: ["Origin": "http://127.0.0.1"])
    #expect(own.status == 200)
    // Where there are keys, who has one may ask from anywhere.
    let secret = try toy.registry.addKey(NewKey("k")).secret
    let keyed = try toy.ask(
      "GET", "/v1/models", key: secret, headers: ["Origin": "http://evil.example"])
    #expect(keyed.status == 200)
  }

  @Test(
    "what takes a keyed registry's place opens nothing", arguments: [true, false])
  func replacedByOneWithoutKeys(isEmpty: Bool) throws {
    let toy = try ToyService()
    let secret = try toy.registry.addKey(NewKey("k", isAdmin: true)).secret
    #expect(try toy.get("/v1/models").status == 401)
    let path = toy.workspace.registry.path
    for tail in ["", "-wal", "-shm"] {
      try? FileManager.default.moveItem(atPath: path + tail, toPath: path + ".aside" + tail)
    }
    if isEmpty {
      try Data().write(to: URL(fileURLWithPath: path))
    } else {
      _ = try Registry(path: path)
    }
    for (method, path) in paths {
      for key in [nil, secret] {
        let status = try toy.ask(method, path, method == "POST" ? [:] : nil, key: key).status
        #expect(status == 503, "\(path)")
      }
    }
    for tail in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: path + tail)
      try? FileManager.default.moveItem(atPath: path + ".aside" + tail, toPath: path + tail)
    }
    #expect(try toy.get("/v1/models").status == 401)
    #expect(try toy.get("/v1/models", key: secret).status == 200)
  }

  /// A page can make a name of its own lead to this machine, and then it is its own origin.
  @Test func withoutKeysThisMachineIsAskedByItsOwnNames() throws {
    let toy = try ToyService()
    for (host, status) in [
      ("evil.example", 403), ("evil.example:8080", 403), ("127.0.0.1.evil.example", 403),
      ("localhost:8080", 200), ("127.0.0.1", 200), ("[::1]:8080", 200),
    ] {
      let client = try toy.client()
      client.send("GET /v1/models HTTP/1.1\r\nHost: \(host)\r\nOrigin: http://\(host)\r\n\r\n")
      let reply = try client.response()
      #expect(reply.status == status, "\(host)")
      if status == 403 { #expect(reply.error.code == "foreign_host") }
    }
  }

  @Test func withKeysEverybodyNeedsOne() throws {
    let toy = try ToyService()
    let (record, secret) = try toy.registry.addKey(NewKey("k", isAdmin: true))
    let forged = secret.dropLast() + (secret.last == "a" ? "b" : "a")
    for (method, path) in paths {
      let none = try toy.ask(method, path)
      #expect(none.status == 401 && none.error.type == "authentication_error", "\(path)")
      #expect(none.error.code == "invalid_api_key")
      #expect(none.header("www-authenticate") == "Bearer")
      for wrong in [String(forged), record.id, "x", secret + "x"] {
        #expect(try toy.ask(method, path, key: wrong).status == 401, "\(path)")
      }
      let status = try toy.ask(method, path, key: secret).status
      #expect(status != 401, "\(path): \(status)")
    }
    for path in ["/health", "/version"] { #expect(try toy.get(path).status == 200) }
    for header in ["x-api-key", "api-key", "X-API-Key"] {
      #expect(
        try toy.ask("GET", "/v1/models", headers: [header: secret]).status == 200, "\(header)")
    }
    for (value, status) in [
      ("bearer \(secret)", 200), ("BEARER  \(secret) ", 200), ("Basic \(secret)", 401),
      (secret, 401), ("Bearer", 401), ("", 401),
    ] {
      let reply = try toy.ask("GET", "/v1/models", headers: ["Authorization": value])
      #expect(reply.status == status, "\(value.prefix(8))")
    }
    // One connection, before and after.
    let client = try toy.client()
    #expect(try client.ask("GET", "/v1/models", key: secret).status == 200)
    _ = try toy.registry.addKey(NewKey("other"))
    try toy.registry.revokeKey("k")
    let revoked = try client.ask("GET", "/v1/models", key: secret)
    #expect(revoked.status == 401 && !revoked.text.contains(secret))
    try toy.registry.revokeKey("other")
    #expect(try client.ask("GET", "/v1/models").status == 401, "the door stays shut")
  }

  @Test func aScopedKeySeesNothingElse() throws {
    let toy = try ToyService()
    for (seed, name) in [(1, "acme/a"), (2, "acme/b"), (3, "other/c"), (4, "solo")] {
      try toy.publish(seed, as: name)
    }
    let acme = try toy.registry.addKey(NewKey("acme", scopes: ["acme/*"])).secret
    let solo = try toy.registry.addKey(NewKey("solo", scopes: ["solo", "base"])).secret
    func names(_ key: String) throws -> [String?] {
      (try toy.get("/v1/models", key: key).json["data"]?.arrayValue ?? [])
        .map { $0["id"]?.stringValue }
    }
    #expect(try names(acme) == ["acme/a", "acme/b"])
    #expect(try names(solo) == ["toy", "solo"])
    let lora = try #require(try toy.get("/lora-adapters", key: acme).json.arrayValue)
    #expect(lora.map { $0["path"]?.stringValue } == ["acme/a", "acme/b"])

    func ask(_ model: String, _ key: String) throws -> Reply {
      try toy.post("/v1/completions", ToyService.question(model), key: key)
    }
    for (model, key) in [("acme/a", acme), ("toy:acme/b@1", acme), ("toy", solo), ("solo", solo)] {
      #expect(try ask(model, key).status == 200, "\(model)")
    }
    // What is there and hidden answers as what is not there, to the letter but for the name.
    for (model, key) in [
      ("toy", acme), ("base", acme), ("other/c", acme), ("solo@1", acme), ("acme/a", solo),
    ] {
      let hidden = try ask(model, key)
      let missing = try ask("nothing", key)
      #expect(hidden.status == 404 && hidden.error.code == "model_not_found", "\(model)")
      #expect(
        hidden.text.replacing(model, with: "nothing") == missing.text, "\(hidden.text)")
      #expect(try toy.get("/v1/models/\(model)", key: key).status == 404)
      #expect(
        try toy.post("/tokenize", ["model": .string(model), "prompt": "x"], key: key).status == 404)
    }
    // By its number neither.
    let open = try toy.registry.addKey(NewKey("open")).secret
    let all = try #require(try toy.get("/lora-adapters", key: open).json.arrayValue)
    let id = try #require(all.first { $0["path"] == "other/c" }?["id"])
    let reply = try toy.post(
      "/v1/completions", ToyService.question("acme/a", with: ["lora": [["id": id, "scale": 1]]]),
      key: acme)
    #expect(reply.status == 404)
  }

  @Test func changesNeedAnAdminsKey() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    let user = try toy.registry.addKey(NewKey("user")).secret
    let boss = try toy.registry.addKey(NewKey("boss", isAdmin: true)).secret
    let changes: [(String, String, JSONValue?)] = [
      ("POST", "/admin/promote", ["reference": "a@1"]), ("GET", "/admin/adapters", nil),
      ("GET", "/admin/adapters/a", nil), ("GET", "/admin/history/a", nil),
      ("POST", "/admin/alias", ["reference": "a@1", "alias": "x"]),
      ("POST", "/admin/rollback", ["name": "a"]), ("POST", "/admin/remove", ["reference": "a@9"]),
      ("POST", "/admin/unalias", ["name": "a", "alias": "x"]), ("POST", "/lora-adapters", []),
      ("DELETE", "/v1/models/none", nil), ("POST", "/v1/unload_lora_adapter", ["lora_name": "b"]),
    ]
    for (method, path, body) in changes {
      let refused = try toy.ask(method, path, body, key: user)
      #expect(refused.status == 403 && refused.error.code == "admin_only", "\(path)")
      #expect(refused.error.type == "permission_error")
      let status = try toy.ask(method, path, body, key: boss).status
      #expect(![401, 403].contains(status), "\(path): \(status)")
    }
    let lines = try toy.registry.auditTrail(of: "a")
    #expect(lines.filter { $0.action != "publish" }.allSatisfy { $0.actor == "key:boss" })
    #expect(lines.count > 2)
  }

  @Test func aKeyHasSoManyRequestsAMinute() throws {
    let time = Mutex(1_000_000.0)
    let toy = try ToyService { _, options in options.clock = { time.withLock { $0 } } }
    let key = try toy.registry.addKey(NewKey("k", ratePerMinute: 6)).secret
    let other = try toy.registry.addKey(NewKey("other", ratePerMinute: 6)).secret
    func statuses(_ count: Int) throws -> [Int] {
      try (0..<count).map { _ in try toy.get("/v1/models", key: key).status }
    }
    #expect(try statuses(7) == [200, 200, 200, 200, 200, 200, 429])
    let refused = try toy.get("/v1/models", key: key)
    #expect(refused.error.type == "rate_limit_error" && refused.error.code == "rate_limit_exceeded")
    #expect(refused.header("retry-after") == "10" && refused.error.message.contains("6 times"))
    #expect(try toy.get("/v1/models", key: other).status == 200, "each key has its own")
    time.withLock { $0 += 9.9 }
    #expect(try statuses(1) == [429])
    time.withLock { $0 += 0.2 }
    #expect(try statuses(2) == [200, 429])
    time.withLock { $0 += 3600 }
    #expect(
      try statuses(7) == [200, 200, 200, 200, 200, 200, 429], "no more than a minute's worth")
    // A clock that is set back must not lock anybody out.
    time.withLock { $0 -= 3600 }
    #expect(try statuses(1) == [429])
    time.withLock { $0 += 10 }
    #expect(try statuses(2) == [200, 429])
  }

  @Test func aKeyHasSoManyTokensADay() throws {
    let time = Mutex(86_400.0 * 20_000 + 82_800)
    let toy = try ToyService { _, options in options.clock = { time.withLock { $0 } } }
    let key = try toy.registry.addKey(NewKey("k", tokensPerDay: 40)).secret
    func ask(stream: Bool = false) throws -> Int {
      let body = ToyService.question("toy", tokens: 10, with: ["stream": .bool(stream)])
      return try stream
        ? toy.stream("/v1/completions", body, key: key).status
        : toy.post("/v1/completions", body, key: key).status
    }
    // A prompt of 6 tokens and an answer of 10 each.
    #expect(try [ask(), ask(stream: true), ask(), ask()] == [200, 200, 200, 429])
    let refused = try toy.get("/v1/models", key: key)
    #expect(refused.status == 429 && refused.header("retry-after") == "3600")
    #expect(refused.error.message.contains("40 tokens"))
    time.withLock { $0 += 3600 }
    #expect(try ask() == 200, "another day")
  }

  @Test func aPromptOfManyAnswersCountsOnceAndWhatFailedCounts() throws {
    let time = Mutex(86_400.0 * 20_000)
    let toy = try ToyService { service, options in
      service.patience = 0.3
      options.clock = { time.withLock { $0 } }
    }
    let key = try toy.registry.addKey(NewKey("k", tokensPerDay: 40)).secret
    func ask(_ tokens: Int, _ count: Int) throws -> Int {
      let body = ToyService.question("toy", tokens: tokens, with: ["n": .int(count)])
      return try toy.post("/v1/completions", body, key: key).status
    }
    // 6 tokens of the prompt and 5 of each answer; five prompts would be 55.
    #expect(try ask(5, 5) == 200)
    #expect(try ask(5, 1) == 200, "31 are counted")
    #expect(try ask(5, 1) == 429)
    time.withLock { $0 += 86_400 }
    // One that is given up in the middle has been computed all the same.
    let late = try toy.registry.addKey(NewKey("late", tokensPerDay: 7)).secret
    let body = ToyService.question("toy", tokens: 500, with: ["n": 60, "stream": true])
    let reply = try toy.stream("/v1/completions", body, key: late)
    #expect(reply.error?["code"] == "too_late" && reply.events.count > 60)
    #expect(try toy.post("/v1/completions", body, key: late).status == 429)
  }

  @Test func theLogNamesTheKeyAndNoWord() throws {
    let lines = Box<String>()
    let toy = try ToyService { _, options in options.log = { lines.put($0) } }
    try toy.publish(1, as: "acme/a")
    let key = try toy.registry.addKey(NewKey("k")).secret
    #expect(
      try toy.post("/v1/completions", ToyService.question("acme/a", "Psst"), key: key).status == 200
    )
    #expect(try toy.get("/v1/models/hush", key: key).status == 404)
    #expect(try toy.get("/secret/path").status == 404)
    #expect(try toy.get("/v1/models", key: key + "x").status == 401)
    #expect(eventually { lines.all.count == 4 })
    let all = lines.all
    func isTold(_ first: String, _ second: String) -> Bool {
      all.count { $0.contains(first) && $0.contains(second) } == 1
    }
    #expect(
      isTold(" POST /v1/completions 200 ", " model=acme/a@1 tokens=12 key=k from=127.0.0.1 id="))
    #expect(isTold(" GET /v1/models/ 404 ", " key=k "))
    #expect(isTold(" GET other 404 ", "from=") && isTold(" GET /v1/models 401 ", "from="))
    for line in all {
      for word in [key, "Psst", "hush", "secret"] { #expect(!line.contains(word), "\(line)") }
      #expect(!line.contains("\n"))
    }
  }
}
