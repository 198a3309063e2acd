/// Where a server listens and what it bears.
public struct HTTPServerOptions: Sendable {
  /// A certificate chain and its private key.
  public struct TLS: Sendable {
    /// The certificate, and those that signed it, as PEM text.
    public var certificate: String
    /// The private key, unencrypted, as PEM text.
    public var key: String

    /// A certificate and its key, both PEM texts.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// An IPv4 or IPv6 address of this machine, or a name of it; `0.0.0.0` or `::` for all of them.
  public var address = "127.0.0.1"
  /// The port; 0 takes a free one.
  public var port = 0
  /// Connections open at a time; more wait in the system's queue.
  public var maximumConnections = 4096
  /// Bytes of a request's body; a larger one is answered by 413.
  public var maximumBodyBytes = 8 << 20
  /// Bytes of all requests' bodies together; what finds no room among them is answered by 503.
  public var totalBodyBytes = 256 << 20
  /// Memory of a connection, and so the longest head of a request; a longer one is answered by 431.
  public var connectionMemory = 32 << 10
  /// Seconds that a connection may be without a whole request head: idle ones and slow heads alike.
  public var headerSeconds = 30.0
  /// Seconds in which a request's body must have come.
  public var bodySeconds = 30.0
  /// Seconds without progress after which a client that does not take its answer is cut off.
  public var stallSeconds = 60.0
  /// Bytes of a stream that may lie unsent; a client that reads slower than that is cut off.
  public var maximumUnsentBytes = 4 << 20
  /// Threads that run the handler.
  public var handlerThreads = 4
  /// Requests that may wait for one of these threads, and changes of the registry for theirs; more are answered by 503.
  public var handlerQueue = 256
  /// Serve HTTPS with this certificate; HTTP where nil.
  public var tls: TLS?

  /// The defaults: plain HTTP on a free port of the loopback.
  public init() {}

  func check() throws(HTTPServerError) {
    guard (0...65_535).contains(port) else {
      throw HTTPServerError(.badOption, "port \(port) is none: give one of 1...65535, or 0 for any")
    }
    let counts: [(name: String, value: Int, least: Int)] = [
      ("maximumConnections", maximumConnections, 1), ("maximumBodyBytes", maximumBodyBytes, 0),
      ("totalBodyBytes", totalBodyBytes, maximumBodyBytes),
      ("connectionMemory", connectionMemory, 4096), ("handlerThreads", handlerThreads, 1),
      ("maximumUnsentBytes", maximumUnsentBytes, 1), ("handlerQueue", handlerQueue, 1),
    ]
    for count in counts where !(count.least...Int(Int32.max)).contains(count.value) {
      throw HTTPServerError(
        .badOption,
        "\(count.name) is \(count.value): give \(count.least) or more, and at most \(Int32.max)")
    }
    let times = [
      ("headerSeconds", headerSeconds), ("bodySeconds", bodySeconds),
      ("stallSeconds", stallSeconds),
    ]
    for (name, value) in times where !(value > 0 && value <= 86_400) {
      throw HTTPServerError(.badOption, "\(name) is \(value): give more than 0, at most 86400")
    }
    if let tls {
      guard tls.certificate.contains("-----BEGIN CERTIFICATE-----") else {
        throw HTTPServerError(
          .badCertificate,
          "the TLS certificate is not PEM text: give '-----BEGIN CERTIFICATE-----...'")
      }
      guard tls.key.contains("PRIVATE KEY-----") else {
        throw HTTPServerError(
          .badCertificate, "the TLS key is not PEM text: give '-----BEGIN PRIVATE KEY-----...'")
      }
    }
  }
}
