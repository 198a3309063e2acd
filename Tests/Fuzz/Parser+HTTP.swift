import Foundation
import HTTPService
import JSON
import Toys

extension Parser {
  static func completionBody() throws -> Parser {
    let common = #"""
      "model":"acme/support:production","max_tokens":12,"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,
      "repetition_penalty":1.1,"frequency_penalty":-0.5,"presence_penalty":0.5,"logit_bias":{"2":-100,"7":1.5},
      "n":2,"stop":["a","\u00e9"],"seed":-7,"stream":true,"stream_options":{"include_usage":true},
      "user":"x","tools":[],"lora":[{"id":3,"scale":1.0},{"id":4,"scale":0}]
      """#
    let samples = [
      Sample(
        "chat",
        Array(
          #"{\#(common),"messages":[{"role":"system","content":"S"},{"role":"user","name":"n","#
            .utf8)
          + Array(
            #""content":[{"type":"text","text":"H\u00e9"}]}],"logprobs":true,"top_logprobs":3}"#
              .utf8),
        .json),
      Sample(
        "text", Array(#"{\#(common),"prompt":["a","b"],"echo":true,"logprobs":2}"#.utf8), .json),
      Sample("text", Array(#"{"model":"m","prompt":[[1,2],[3]],"best_of":1}"#.utf8), .json),
    ]
    return Parser(samples) { sample, bytes in
      let body = try CompletionBody(parsing: bytes, for: sample.name == "chat" ? .chat : .text)
      var prompts = 1
      if case .text(let several) = body.input { prompts = several.count }
      try require((1...2048).contains(prompts * body.count), "\(prompts * body.count) answers")
      try require((0...2).contains(body.sampling.temperature), "a temperature out of bounds")
      try require((0...1).contains(body.sampling.topP), "a top-p out of bounds")
      try require(body.maxTokens ?? 1 >= 0 && body.logprobs ?? 0 >= 0, "a negative number")
      try require(body.stop.allSatisfy { !$0.isEmpty }, "an empty stop")
      try require((1...512).contains(body.model.utf8.count), "a model's name out of bounds")
    }
  }

  static func requestTarget() throws -> Parser {
    let targets = [
      "/v1/models/acme%2Fsupport@3?a=b&c=%C3%A9+d&e", "/", "/a/../%2e%2e//b?x=1&x=2&=&",
      "/admin/adapters?pattern=acme%2F*&limit=10&after=acme/a",
    ]
    let pieces = [
      "%", "%0", "%00", "%zz", "%ff", "%C3", "%C3%A9", "+", "&", "&&", "=", "?", "/", "#", "é",
      "%25",
      String(repeating: "%41", count: 3000), String(repeating: "&a", count: 3000),
    ]
    return Parser(targets.map { Sample("target", $0.utf8, .text(pieces: pieces)) }) { _, bytes in
      guard let target = RequestTarget(bytes) else {
        throw APIError(.invalidRequest, "the target is malformed")
      }
      try require(target.path.utf8.first == UInt8(ascii: "/"), "a path without its slash")
      let texts = [target.path] + target.query.flatMap { [$0.name, $0.value] }
      try require(!texts.contains { $0.utf8.contains(0) }, "a zero byte got through")
      let length = texts.reduce(0) { $0 + $1.utf8.count }
      try require(length <= bytes.count, "longer than it came")
    }
  }
}

extension Parser {
  /// Raw requests to a live server, which must answer or close, and serve the next client all the same.
  static func http() throws -> Parser {
    let bodies = [
      #"{"model":"toy","prompt":"Say it","max_tokens":2}"#,
      #"{"model":"toy","messages":[{"role":"user","content":"Hi"}],"max_tokens":2,"stream":true}"#,
    ]
    let head = "HTTP/1.1\r\nHost: localhost\r\n"
    let chunked = "\(String(bodies[0].utf8.count, radix: 16))\r\n\(bodies[0])\r\n0\r\n\r\n"
    let requests = [
      "GET /v1/models/toy?a=b%20c \(head)Accept: */*\r\nX-Request-ID: 1\r\n\r\n",
      "POST /v1/completions \(head)Content-Length: \(bodies[0].utf8.count)\r\n\r\n\(bodies[0])",
      "POST /v1/chat/completions \(head)content-type: application/json\r\n"
        + "Content-Length: \(bodies[1].utf8.count)\r\n\r\n\(bodies[1])",
      "POST /v1/completions \(head)Transfer-Encoding: chunked\r\n\r\n\(chunked)",
      "HEAD /metrics \(head)Authorization: Bearer x\r\nConnection: keep-alive\r\n\r\n",
    ]
    let pieces = [
      "\r\n", "\r\n\r\n", "\n", "\r", "\u{0}", " ", "\t", ":", "GET / HTTP/1.1\r\n", "HTTP/9.9",
      "HTTP/1.0",
      "Content-Length: 0\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n", "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: gzip, chunked\r\n", "Expect: 100-continue\r\n", "Connection: Upgrade\r\n",
      "Origin: http://evil.example\r\n", "Host: a\r\n", " folded\r\n", "ffffffffffffffffff\r\n",
      "%00",
      "0\r\n\r\n", "é", String(repeating: "a", count: 40_000),
      String(repeating: "A: b\r\n", count: 3_000),
    ]
    let server = try LiveServer()
    return Parser(
      requests.map { Sample("request", $0.utf8, .text(pieces: pieces)) }, slowness: 32
    ) { _, bytes in
      let status = try server.send(bytes)
      try server.check()
      guard status < 400 else { throw APIError(.invalidRequest, "status \(status)") }
    }
  }
}
