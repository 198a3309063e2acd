public import Lorikeet
import Synchronization

/// A service over HTTP: OpenAI's routes, those of vLLM and llama-server that people script, and the registry's own.
public final class HTTPService: Sendable {
  /// How it is reached and what it allows.
  public struct Options: Sendable {
    /// Where it listens and what it bears.
    public var http = HTTPServerOptions()
    /// The folder that adapters may be loaded from by `/v1/load_lora_adapter`; nil for none.
    public var adapterFolder: String?
    /// Told a line for each request, without a word of prompts and answers.
    public var log: (@Sendable (String) -> Void)?
    /// Seconds since 1970, where the limits of keys are not to go by the system's clock.
    package var clock: (@Sendable () -> Double)?

    /// The defaults: a free port of the loopback.
    public init() {}
  }

  let service: Service
  let options: Options
  let access: Access
  let metrics = Metrics()
  let isDraining = Atomic(false)
  /// Makes the changes of the registry, one after the other: one that waits for another process holds up no handler.
  private let changes: HandlerPool
  /// Makes what takes long of what the engine's thread has told.
  private let asides: HandlerPool
  private static let longestWait = 30.0
  private let server = Mutex<HTTPServer?>(nil)
  private let listening = Atomic(0)

  /// Begins to listen.
  /// - Throws: `HTTPServerError`.
  public init(_ service: Service, options: Options = Options()) throws {
    self.service = service
    self.options = options
    access = options.clock.map { Access(service, now: $0) } ?? Access(service)
    changes = HandlerPool(threads: 1, capacity: options.http.handlerQueue, name: "http-change")
    asides = HandlerPool(threads: 1, capacity: options.http.handlerQueue, name: "http-answer")
    let started = try HTTPServer(
      options: options.http, refused: { [metrics] in metrics.countRefusal($0) },
      handler: { [weak self] exchange in self?.answer(exchange) })
    listening.store(started.port, ordering: .relaxed)
    server.withLock { $0 = started }
  }

  deinit {
    changes.stop()
    asides.stop()
  }

  /// Runs `job` on another thread, so that the engine goes on; here where too many wait.
  func aside(_ job: @escaping @Sendable () -> Void) {
    if !asides.submit(job) { job() }
  }

  /// The port it listens on.
  public var port: Int { listening.load(ordering: .relaxed) }

  /// Connections that are open.
  public var connectionCount: Int { server.withLock { $0?.connectionCount ?? 0 } }

  /// Takes no more connections and requests, answers those that came, and ends.
  public func drain() {
    isDraining.store(true, ordering: .relaxed)
    server.withLock { $0 }?.stopAccepting()
    service.drain()
    server.withLock { $0 }?.finish(within: 10)
    end()
  }

  /// Ends at once.
  public func stop() {
    isDraining.store(true, ordering: .relaxed)
    service.stop()
    end()
  }

  private func end() {
    let last = server.withLock { server in
      defer { server = nil }
      return server
    }
    last?.stop()
    changes.stop()
  }

  private func answer(_ exchange: HTTPExchange) {
    let call = Call(exchange, metrics: metrics, log: options.log)
    attempt(call) {
      let (route, rest) = try Route.find(exchange.request)
      call.route = route.name
      call.rest = rest
      call.key = try access.admit(exchange.request, for: route.access)
      return try route.isChange ? wait(for: route, call) : route.run(self, call)
    }
  }

  /// Makes a change in its turn; gives it up where those before it take long, rather than make it when nobody waits for it.
  private func wait(for route: Route, _ call: Call) throws -> HTTPResponse? {
    let refusal = APIError(
      .server, "changes of the registry wait for another process's; ask again later", status: 503,
      code: "registry_busy", retryAfter: 5)
    let isWaiting = changes.submit { [self] in
      attempt(call) {
        guard call.seconds < Self.longestWait else { throw refusal }
        return try route.run(self, call)
      }
    }
    guard isWaiting else { throw refusal }
    return nil
  }

  private func attempt(_ call: Call, _ body: () throws -> HTTPResponse?) {
    do { if let response = try body() { call.respond(response) } } catch {
      call.respond(APIError(error).response)
    }
  }
}
