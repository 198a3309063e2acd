import Foundation

/// An HTTP/1.1 server on libmicrohttpd: it takes requests whole, bounded and in time, and gives each to a handler.
///
/// One thread moves the bytes, one watches the clients, and a few run the handler, which may block. Stops when it goes.
public final class HTTPServer: Sendable {
  /// The port it listens on, also where 0 was asked for.
  public let port: Int
  private let daemon: HTTPDaemon

  /// Starts a server. `handler` is called for each request, on one of `handlerThreads` threads; it answers then, or
  /// keeps the exchange and answers later.
  /// - Parameter refused: Told the status of each request that is refused before it is whole.
  /// - Throws: `HTTPServerError`.
  public init(
    options: HTTPServerOptions, refused: @escaping @Sendable (_ status: Int) -> Void = { _ in },
    handler: @escaping @Sendable (HTTPExchange) -> Void
  ) throws {
    try options.check()
    let listener = try ListeningSocket(address: options.address, port: options.port)
    port = listener.port
    daemon = try HTTPDaemon(
      options: options, listener: consume listener, refused: refused, handler: handler)
    try daemon.start()
  }

  deinit { daemon.stop() }

  /// Number of open connections.
  public var connectionCount: Int { daemon.watch.count }

  /// Closes the listening socket; connections and requests under way go on.
  public func stopAccepting() { daemon.watch.stopAccepting() }

  /// Waits until every answer has been sent, at most so many seconds.
  public func finish(within seconds: Double) {
    let end = ConnectionWatch.now() + UInt64(seconds * 1e9)
    while daemon.watch.underWay > 0, ConnectionWatch.now() < end {
      Thread.sleep(forTimeInterval: 0.005)
    }
  }

  /// Ends everything at once: connections are cut, their `onDisconnect` actions called. May be called again. Not to be
  /// called from an `onDisconnect` action.
  public func stop() { daemon.stop() }
}
