public import JSON

/// A refusal in the shape of OpenAI's API: `{"error": {"message", "type", "param", "code"}}`.
public struct APIError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of refusals, as OpenAI's `type` spells them.
  public enum Kind: String, Sendable, CaseIterable {
    /// The request is wrong.
    case invalidRequest = "invalid_request_error"
    /// No key, or one that opens nothing.
    case authentication = "authentication_error"
    /// The key does not open this.
    case permission = "permission_error"
    /// There is nothing of that name.
    case notFound = "not_found_error"
    /// Too many requests or tokens.
    case rateLimit = "rate_limit_error"
    /// The server failed or cannot take more.
    case server = "server_error"

    /// The status that goes with it.
    public var status: Int {
      switch self {
      case .invalidRequest: 400
      case .authentication: 401
      case .permission: 403
      case .notFound: 404
      case .rateLimit: 429
      case .server: 500
      }
    }
  }

  /// The kind of refusal.
  public var kind: Kind
  /// The HTTP status.
  public var status: Int
  /// What is wrong, where, and what to do, in one line.
  public var message: String
  /// The parameter that is wrong: `messages[2].content`.
  public var param: String?
  /// A word for programs: `model_not_found`.
  public var code: String?
  /// Seconds after which to try again.
  public var retryAfter: Int?
  /// The methods that the path takes, for a 405.
  public var allowed: [String] = []

  /// A refusal; its status is its kind's unless another is given.
  public init(
    _ kind: Kind, _ message: String, status: Int? = nil, param: String? = nil, code: String? = nil,
    retryAfter: Int? = nil
  ) {
    self.kind = kind
    self.status = status ?? kind.status
    self.message = message
    self.param = param
    self.code = code
    self.retryAfter = retryAfter
  }

  /// The message.
  public var description: String { message }

  /// The body's value; a stream that has begun sends it as its last event.
  public var json: JSONValue {
    [
      "error": [
        "message": .string(message), "type": .string(kind.rawValue), "param": .text(param),
        "code": .text(code),
      ]
    ]
  }

  /// The whole response.
  public var response: HTTPResponse {
    var headers = [(name: "content-type", value: "application/json")]
    // RFC 9110, 11.6.1: a 401 says how to authenticate.
    if status == 401 { headers.append((name: "www-authenticate", value: "Bearer")) }
    // RFC 9110, 15.5.6: a 405 says what is allowed.
    if !allowed.isEmpty {
      headers.append((name: "allow", value: allowed.joined(separator: ", ")))
    }
    if let retryAfter { headers.append((name: "retry-after", value: "\(max(0, retryAfter))")) }
    return HTTPResponse(status: status, headers: headers, body: json.bytes())
  }
}
