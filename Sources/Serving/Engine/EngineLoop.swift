import Foundation
import Models
import Synchronization

/// A request on its way to the engine.
public struct EngineJob: Sendable {
  /// What to answer; its adapter is pinned when its turn comes.
  public var request: GenerateRequest
  /// The adapter; nil for the base.
  public var adapter: AdapterSource?
  /// Whom the tokens are counted for, to serve all evenly.
  public var tenant: String
  /// Seconds until it is given up; nil for as long as it takes.
  public var patience: Double?

  /// A request of a tenant.
  public init(
    _ request: GenerateRequest, adapter: AdapterSource? = nil, tenant: String = "",
    patience: Double? = nil
  ) {
    self.request = request
    self.adapter = adapter
    self.tenant = tenant
    self.patience = patience
  }
}

/// An engine at work on a thread of its own: requests come from any thread, join the batch at the next step and leave it
/// when they are done.
///
/// Adapters are loaded meanwhile on another thread, a little after each step. Events are told on the engine's thread, so
/// whoever receives them is quick.
public final class EngineLoop: Sendable {
  /// How much goes on at a time.
  public struct Limits: Sendable {
    /// Requests that are answered together.
    public var streams = 64
    /// Requests that may wait. Where they all do, who has less than an even share of them finds a place all the same.
    public var waiting = 512

    /// The defaults.
    public init() {}
  }

  typealias Sink = @Sendable (GenerateEvent) -> Void

  /// A request with whom to tell, until it ends.
  struct Ticket {
    var job: EngineJob
    let sink: Sink
    let arrived: Double
    var memory: MemoryReservation?
    var started: Double?
    var firstToken: Double?
    var deadline: Double? { job.patience.map { arrived + $0 } }
  }

  struct Mailbox {
    var arrived: [(id: Int, ticket: Ticket)] = []
    var loaded: [(id: Int, result: Result<PinnedAdapter, any Error>)] = []
    var cancelled: [Int] = []
    var nextID = 0
    /// How many requests of each tenant have come and have not ended.
    var open: [String: Int] = [:]
    var isDraining = false
    var isStopping = false
    /// Whether the engine has not yet heard of one of these.
    var hasNews = false
    var isAsleep = false
  }

  /// What requests run on.
  public let engine: Engine
  /// The adapters in memory.
  public let adapters: AdapterPool
  let limits: Limits
  let prefixes: PrefixCache
  private let loader: AdapterLoader
  private let mailbox = Mutex(Mailbox())
  private let bell = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let published = Mutex(EngineStatistics())

  /// Starts the threads.
  /// - Parameter adapters: The adapters in memory, whose budget counts the caches of requests as well.
  public init(engine: Engine, adapters: AdapterPool, limits: Limits = Limits()) {
    self.engine = engine
    self.adapters = adapters
    self.limits = limits
    prefixes = PrefixCache(budget: adapters.budget)
    loader = AdapterLoader(pool: adapters)
    Thread.start("lorikeet-engine") { [self] in
      var run = EngineRun(self)
      run.untilStopped()
      ended.signal()
    }
  }

  /// Puts a request in the queue.
  /// - Parameter sink: Told what happens, on the engine's thread; the last event is `finished` or `failed`, once.
  /// - Returns: Its number, to cancel it by.
  /// - Throws: `ServingError` where it is impossible, or too many wait; then `sink` is never called.
  public func submit(_ job: EngineJob, sink: @escaping @Sendable (GenerateEvent) -> Void)
    throws(ServingError) -> Int
  {
    try job.request.check(contextLength: engine.contextLength)
    let bytes = engine.model.cacheBytes(tokens: engine.tokens(of: job.request))
    guard bytes <= adapters.budget.capacity else {
      throw ServingError(
        .tooLarge,
        "a prompt of \(job.request.prompt.count) tokens and \(job.request.maximumTokens) more need "
          + "\(bytes) bytes of cache, of \(adapters.budget.capacity) in all; ask for fewer tokens, or allow the server more memory"
      )
    }
    let ticket = Ticket(job: job, sink: sink, arrived: EngineLoop.now())
    let accepted = mailbox.withLock { mailbox -> Result<Int, ServingError> in
      guard !mailbox.isDraining, !mailbox.isStopping else {
        return .failure(ServingError(.stopping, "the server is stopping; ask again in a moment"))
      }
      let (all, own) = (mailbox.open.values.reduce(0, +), mailbox.open[job.tenant] ?? 0)
      let most = limits.streams + limits.waiting
      // Nobody keeps the others out by filling the queue alone.
      let share = most / (mailbox.open.count + (own == 0 ? 1 : 0))
      guard all < most || own < share else {
        return .failure(
          ServingError(
            .busy, "as many requests as may wait are ahead of this one (\(all)); ask again later"))
      }
      mailbox.nextID += 1
      mailbox.open[job.tenant] = own + 1
      mailbox.arrived.append((mailbox.nextID, ticket))
      return .success(mailbox.nextID)
    }
    ring()
    return try accepted.get()
  }

  /// Ends a request, before the next step.
  public func cancel(_ id: Int) {
    mailbox.withLock { $0.cancelled.append(id) }
    ring()
  }

  /// Brings an adapter into memory, if there is room, before anybody asks for it.
  /// - Parameter completion: Told what came of it, on the loader's thread.
  public func warm(
    _ source: AdapterSource, completion: @escaping @Sendable ((any Error)?) -> Void = { _ in }
  ) {
    loader.load(source) { result in
      switch result {
      case .success: completion(nil)
      case .failure(let error): completion(error)
      }
    }
  }

  /// Takes no more requests, and waits until those that came are answered.
  public func drain() {
    mailbox.withLock { ($0.isDraining, $0.hasNews) = (true, true) }
    ring()
    ended.wait()
    ended.signal()
  }

  /// Ends at once: requests in flight end as cancelled. Waits until the thread has.
  public func stop() {
    mailbox.withLock { ($0.isStopping, $0.hasNews) = (true, true) }
    ring()
    ended.wait()
    ended.signal()
  }

  /// What has been done, as of the last step.
  public var statistics: EngineStatistics { published.withLock { $0 } }

  // MARK: The engine's side

  /// Seconds on the clock that only goes forward.
  static func now() -> Double { ProcessInfo.processInfo.systemUptime }

  func takeMail() -> Mailbox {
    mailbox.withLock { mailbox in
      defer {
        mailbox.arrived = []
        mailbox.loaded = []
        mailbox.cancelled = []
        mailbox.hasNews = false
      }
      return mailbox
    }
  }

  /// Waits for mail, at most until `deadline`.
  func sleep(until deadline: Double?) {
    let hasMail = mailbox.withLock { mailbox in
      mailbox.isAsleep =
        mailbox.arrived.isEmpty && mailbox.loaded.isEmpty
        && mailbox.cancelled.isEmpty && !mailbox.hasNews
      return !mailbox.isAsleep
    }
    if hasMail { return }
    if let deadline {
      let seconds = max(0, deadline - EngineLoop.now())
      _ = bell.wait(timeout: .now() + seconds)
      mailbox.withLock { $0.isAsleep = false }
    } else {
      bell.wait()
    }
  }

  private func ring() {
    let wasAsleep = mailbox.withLock { mailbox in
      defer { mailbox.isAsleep = false }
      return mailbox.isAsleep
    }
    if wasAsleep { bell.signal() }
  }

  func load(_ source: AdapterSource, for id: Int) {
    loader.load(source) { [self] result in
      mailbox.withLock { $0.loaded.append((id, result)) }
      ring()
    }
  }

  /// Counts a request as ended.
  func close(_ ticket: Ticket) {
    mailbox.withLock { mailbox in
      let left = (mailbox.open[ticket.job.tenant] ?? 1) - 1
      mailbox.open[ticket.job.tenant] = left > 0 ? left : nil
    }
  }

  func publish(_ statistics: EngineStatistics) { published.withLock { $0 = statistics } }

  func stopLoading() { loader.stop() }
}
