/// A request as it came: whole, bounded and not yet believed.
public struct HTTPRequest: Sendable {
  /// `GET`, `POST`, ...
  public var method: String
  /// The path, percent-decoded, without the query: `/v1/models`.
  public var path: String
  /// The query's names and values, percent-decoded, in their order.
  public var query: [(name: String, value: String)]
  /// The header fields, in their order.
  public var headers: [(name: String, value: String)]
  /// The body's bytes; empty where there is none.
  public var body: [UInt8]
  /// The client's address, for the log.
  public var peer: String

  /// A request; the transport makes them, and tests do.
  public init(
    method: String, path: String, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8] = [], peer: String = ""
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.peer = peer
  }

  /// The value of the first header field called `name`, in any case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}
