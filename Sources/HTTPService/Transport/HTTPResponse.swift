/// A whole response.
public struct HTTPResponse: Sendable {
  /// The status: 200, 404, ...
  public var status: Int
  /// Header fields besides those that the transport writes.
  public var headers: [(name: String, value: String)]
  /// The body's bytes.
  public var body: [UInt8]

  /// A response of `body`.
  public init(
    status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}
