import Foundation
import HTTPService
import JSON
import Lorikeet
import Testing
import Toys

typealias Reply = TransportClient.Response

extension TransportClient.Response {
  var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

  /// The value of a header field, whose name is written small.
  func header(_ name: String) -> String? { headerValue(name, in: head) }

  /// The members of OpenAI's error.
  var error: (message: String, type: String?, code: String?) {
    let error = json["error"]
    return (
      error?["message"]?.stringValue ?? "", error?["type"]?.stringValue,
      error?["code"]?.stringValue
    )
  }

  /// What the first choice says.
  var answer: String? { text(0) }

  /// What the choice `index` says.
  func text(_ index: Int) -> String? {
    guard let choices = json["choices"]?.arrayValue, choices.indices.contains(index) else {
      return nil
    }
    return choices[index]["text"]?.stringValue ?? choices[index]["message"]?["content"]?.stringValue
  }
}

func headerValue(_ name: String, in head: String) -> String? {
  for line in head.components(separatedBy: "\r\n").dropFirst() {
    let parts = line.split(separator: ":", maxSplits: 1)
    if parts.count == 2, parts[0].lowercased() == name {
      return parts[1].trimmingCharacters(in: .whitespaces)
    }
  }
  return nil
}

/// A stream of events, read to its end.
struct StreamedReply {
  var status = 0
  var head = ""
  var events: [JSONValue] = []
  var isDone = false

  /// The pieces of the choice `index`, put together.
  func text(_ index: Int = 0) -> String {
    choices(index).compactMap {
      $0["text"]?.stringValue ?? $0["delta"]?["content"]?.stringValue
    }.joined()
  }

  /// Why the choice `index` ended; nil where it did not, or did so twice.
  func finish(_ index: Int = 0) -> String? {
    let reasons = choices(index).compactMap { $0["finish_reason"]?.stringValue }
    return reasons.count == 1 ? reasons[0] : nil
  }

  func choices(_ index: Int) -> [JSONValue] {
    events.flatMap { $0["choices"]?.arrayValue ?? [] }.filter { $0["index"]?.intValue == index }
  }

  /// The error that ended it.
  var error: JSONValue? { events.last?["error"] }
}

extension TransportClient {
  func ask(
    _ method: String, _ path: String, _ body: JSONValue? = nil, key: String? = nil,
    headers: [String: String] = [:]
  ) throws -> Reply {
    request(method, path, body, key: key, headers: headers)
    return try response(to: method)
  }

  /// Sends a request, without waiting for its answer.
  func request(
    _ method: String, _ path: String, _ body: JSONValue? = nil, key: String? = nil,
    headers: [String: String] = [:]
  ) {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if let key { head += "Authorization: Bearer \(key)\r\n" }
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    let bytes = body?.bytes() ?? []
    if body != nil { head += "Content-Length: \(bytes.count)\r\n" }
    send(Array((head + "\r\n").utf8) + bytes)
  }

  /// The head of a stream that was asked for.
  func streamHead() throws -> StreamedReply {
    var reply = StreamedReply()
    reply.head = try until("\r\n\r\n")
    reply.status = Int(reply.head.split(separator: " ")[1]) ?? 0
    return reply
  }

  /// The rest of a stream, to its end.
  func streamRest(_ reply: StreamedReply) throws -> StreamedReply {
    var (reply, text) = (reply, [UInt8]())
    while let chunk = try chunk() { text += chunk }
    for event in String(decoding: text, as: UTF8.self).components(separatedBy: "\n\n")
    where !event.isEmpty {
      guard event.hasPrefix("data: ") else { throw Failure(description: "no event: \(event)") }
      if event == "data: [DONE]" {
        reply.isDone = true
      } else {
        reply.events.append(try JSONValue(parsing: String(event.dropFirst(6))))
      }
    }
    return reply
  }

  func stream(_ path: String, _ body: JSONValue, key: String? = nil) throws -> StreamedReply {
    request("POST", path, body, key: key)
    return try streamRest(try streamHead())
  }
}

extension ToyService {
  func client() throws -> TransportClient { try TransportClient(http.port) }

  /// Asks on a connection of its own.
  func ask(
    _ method: String, _ path: String, _ body: JSONValue? = nil, key: String? = nil,
    headers: [String: String] = [:]
  ) throws -> Reply {
    try client().ask(method, path, body, key: key, headers: headers)
  }

  func get(_ path: String, key: String? = nil) throws -> Reply { try ask("GET", path, key: key) }

  func post(_ path: String, _ body: JSONValue, key: String? = nil) throws -> Reply {
    try ask("POST", path, body, key: key)
  }

  /// A text completion's answer, by the most likely tokens, which does not end before it is long enough.
  func say(_ model: String, _ prompt: String = "Say it", tokens: Int = 12) throws -> Reply {
    try post("/v1/completions", ToyService.question(model, prompt, tokens: tokens))
  }

  func stream(_ path: String, _ body: JSONValue, key: String? = nil) throws -> StreamedReply {
    try client().stream(path, body, key: key)
  }

  static func question(
    _ model: String, _ prompt: String = "Say it", tokens: Int = 12, with more: JSONValue = [:]
  ) -> JSONValue {
    var body: [(String, JSONValue)] = [
      ("model", .string(model)), ("prompt", .string(prompt)), ("max_tokens", .int(tokens)),
      ("temperature", 0), ("logit_bias", ["2": -100]),
    ]
    for member in more.objectValue?.members ?? [] {
      body.removeAll { $0.0 == member.key }
      body.append((member.key, member.value))
    }
    return .object(JSONObject(body))
  }

  static func chat(
    _ model: String, _ content: String = "Say it", tokens: Int = 12, with more: JSONValue = [:]
  ) -> JSONValue {
    var body = question(model, tokens: tokens, with: more).objectValue ?? JSONObject()
    body = JSONObject(body.members.filter { $0.key != "prompt" }.map { ($0.key, $0.value) })
    body["messages"] = [["role": "user", "content": .string(content)]]
    return .object(body)
  }
}
