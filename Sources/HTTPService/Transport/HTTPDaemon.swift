import CMicroHTTPD
import Serving
import Synchronization

/// libmicrohttpd at work: its thread calls the methods in `HTTPDaemon+Requests.swift`.
@safe final class HTTPDaemon: Sendable {
  @safe private struct Handle: @unchecked Sendable {
    // Safe: MHD_add_connection may be called from any thread; used under the lock only, and stopped once taken out.
    var daemon: OpaquePointer?
  }

  let options: HTTPServerOptions
  let watch: ConnectionWatch
  let pool: HandlerPool
  /// What the bodies of requests are counted in, from their first byte until nobody needs them any more.
  let bodies: MemoryBudget
  let handler: @Sendable (HTTPExchange) -> Void
  let refused: @Sendable (_ status: Int) -> Void
  private let handle = Mutex(Handle())

  /// Connections that libmicrohttpd may have beyond ours: it counts one that ends a moment longer than the watch.
  private static let spare: UInt32 = 64

  init(
    options: HTTPServerOptions, listener: consuming ListeningSocket,
    refused: @escaping @Sendable (_ status: Int) -> Void,
    handler: @escaping @Sendable (HTTPExchange) -> Void
  ) throws(HTTPServerError) {
    self.options = options
    self.handler = handler
    self.refused = refused
    bodies = MemoryBudget(capacity: options.totalBodyBytes)
    watch = try ConnectionWatch(
      listener: consume listener, maximumConnections: options.maximumConnections)
    pool = HandlerPool(threads: options.handlerThreads, capacity: options.handlerQueue)
  }

  /// Starts libmicrohttpd, which holds this object until `stop`, and opens the door.
  func start() throws(HTTPServerError) {
    let context = unsafe Unmanaged.passRetained(self)
    var callbacks = unsafe lk_mhd_callbacks(
      context: context.toOpaque(), request: requestCallback, completed: completedCallback,
      connection: connectionCallback, target: targetCallback)
    let daemon = unsafe lk_mhd_start(
      &callbacks, UInt32(options.maximumConnections) + HTTPDaemon.spare, options.connectionMemory,
      options.tls?.certificate, options.tls?.key)
    guard let daemon = unsafe daemon else {
      unsafe context.release()
      pool.stop()
      guard options.tls != nil else {
        throw HTTPServerError(.system, "the HTTP server cannot start: no memory, threads or files")
      }
      throw HTTPServerError(
        .badCertificate,
        "TLS cannot start with this certificate and key: give a PEM certificate and the unencrypted key that "
          + "belongs to it")
    }
    handle.withLock { unsafe $0.daemon = daemon }
    unsafe watch.start { [self] socket, address, size in
      handle.withLock { handle in
        // It closes the socket where it does not take it.
        if let daemon = unsafe handle.daemon {
          _ = unsafe MHD_add_connection(daemon, socket, address, size)
        }
      }
    }
  }

  /// Ends everything; the first call does, and returns once libmicrohttpd has.
  func stop() {
    guard let daemon = unsafe handle.withLock({ unsafe Taken(daemon: $0.daemon.take()) }).daemon
    else { return }
    // No connection may be suspended when libmicrohttpd stops: all answers let go, and none begins any more.
    for answer in watch.stop() { answer.clientLeft() }
    unsafe MHD_stop_daemon(daemon)
    pool.stop()
    unsafe Unmanaged.passUnretained(self).release()
  }

  @safe private struct Taken: @unchecked Sendable { var daemon: OpaquePointer? }
}
