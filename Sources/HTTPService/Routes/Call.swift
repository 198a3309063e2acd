import Foundation
import JSON
import Registry
import Synchronization

/// One request on its way through a route: who asks, for what, and what the log and the metrics will say of it.
final class Call: Sendable {
  private struct Facts {
    var route = "other"
    var rest = ""
    var key: KeyRecord?
    var model: String?
    var tokens: Int?
  }

  let exchange: HTTPExchange
  /// Names the request in the log and in its response.
  let id = UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
  private let metrics: Metrics
  private let log: (@Sendable (String) -> Void)?
  private let began = ProcessInfo.processInfo.systemUptime
  private let facts = Mutex(Facts())

  init(_ exchange: HTTPExchange, metrics: Metrics, log: (@Sendable (String) -> Void)?) {
    self.exchange = exchange
    self.metrics = metrics
    self.log = log
  }

  var request: HTTPRequest { exchange.request }

  /// The route's name, for the log and the metrics: never the client's own words.
  var route: String {
    get { facts.withLock { $0.route } }
    set { facts.withLock { $0.route = newValue } }
  }

  /// What follows a route's path.
  var rest: String {
    get { facts.withLock { $0.rest } }
    set { facts.withLock { $0.rest = newValue } }
  }

  /// The key that opened the door; nil where the door is open.
  var key: KeyRecord? {
    get { facts.withLock { $0.key } }
    set { facts.withLock { $0.key = newValue } }
  }

  /// Seconds since the request came.
  var seconds: Double { ProcessInfo.processInfo.systemUptime - began }

  /// Who acts, for the audit.
  var author: Author { key.map(Author.init) ?? "http" }

  /// Notes what answered, and how many tokens it made.
  func note(model: String, tokens: Int? = nil) {
    facts.withLock {
      $0.model = model
      $0.tokens = tokens ?? $0.tokens
    }
  }

  /// Answers with a whole response.
  func respond(_ response: HTTPResponse) {
    var response = response
    response.headers.append(("x-request-id", id))
    // Counted first: who has the answer finds it in the metrics.
    end(response.status)
    exchange.respond(response)
  }

  /// Answers with a stream of events.
  func stream(headers: [(name: String, value: String)]) -> HTTPStream {
    exchange.stream(
      headers: headers + [
        ("content-type", "text/event-stream"), ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"), ("x-request-id", id),
      ])
  }

  /// Writes the request's line.
  func end(_ status: Int) {
    let facts = facts.withLock { $0 }
    let seconds = seconds
    metrics.count(route: facts.route, status: status, seconds: seconds)
    guard let log else { return }
    var line = "\(Date().formatted(.iso8601)) \(request.method) \(facts.route) \(status)"
    line += " \(Int((seconds * 1000).rounded())) ms"
    if let model = facts.model { line += " model=\(model)" }
    if let tokens = facts.tokens { line += " tokens=\(tokens)" }
    if let key = facts.key { line += " key=\(key.name)" }
    log(line + " from=\(request.peer) id=\(id)")
  }

  /// The body as an object.
  func body() throws -> JSONObject {
    let value: JSONValue
    do { value = try JSONValue(parsing: request.body) } catch {
      throw APIError(.invalidRequest, "the body is not JSON: \(error.reason)", code: "invalid_json")
    }
    guard let object = value.objectValue else {
      throw APIError(.invalidRequest, "the body must be an object, not \(value.kind)")
    }
    return object
  }

  /// The text called `name` in `body`, which must be there.
  func text(_ name: String, in body: JSONObject) throws -> String {
    let reader = ParameterReader(body)
    _ = try reader.required(name)
    return try reader.string(name) ?? ""
  }
}

extension HTTPResponse {
  /// A response of JSON.
  static func json(
    _ value: JSONValue, status: Int = 200, headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("content-type", "application/json")] + headers,
      body: value.bytes())
  }

  /// A response of plain text.
  static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> HTTPResponse {
    HTTPResponse(headers: [("content-type", type)], body: Array(text.utf8))
  }
}
