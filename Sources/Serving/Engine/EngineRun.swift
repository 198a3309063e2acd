import Adapters
import Foundation
import Models
import Tensors

/// What the engine's thread knows: the requests that have come, the batch and what to tell of it.
struct EngineRun {
  private let loop: EngineLoop
  private var batch: RequestBatch
  private var tickets: [Int: EngineLoop.Ticket] = [:]
  private var loading: Set<Int> = []
  /// Whether an adapter found no room: none is loaded until somebody has gone.
  private var isCramped = false
  private var statistics = EngineStatistics()
  private var isEnding = false

  /// Adapters that are loaded at a time for requests that wait; each takes memory from those that run.
  private static let loadsAhead = 4
  /// Of a step's time, what those who load adapters get after it, and the least: time enough for them to wake up.
  private static let (restShare, shortestRest) = (0.15, 0.0005)

  init(_ loop: EngineLoop) {
    self.loop = loop
    var limits = Scheduler.Limits()
    limits.streams = loop.limits.streams
    limits.rowsPerStep = max(limits.rowsPerStep, limits.streams)
    batch = RequestBatch(limits: limits, prefixes: loop.prefixes)
  }

  /// Answers until the loop is stopped, or drained.
  mutating func untilStopped() {
    while true {
      let mail = loop.takeMail()
      isEnding = mail.isDraining || mail.isStopping
      for (id, ticket) in mail.arrived { arrive(id, ticket) }
      for (id, result) in mail.loaded { receive(id, result) }
      for id in mail.cancelled { cancel(id) }
      if mail.isStopping { for id in tickets.keys.sorted() { cancel(id) } }
      giveUpLate()
      admit()
      settle()
      if batch.running.isEmpty {
        publish()
        loop.adapters.gate.open()
        if isEnding, tickets.isEmpty { break }
        loop.sleep(until: tickets.values.compactMap(\.deadline).min())
      } else {
        stepAndRest()
      }
    }
    loop.stopLoading()
  }

  private mutating func arrive(_ id: Int, _ ticket: EngineLoop.Ticket) {
    tickets[id] = ticket
    batch.add(id, tenant: ticket.job.tenant, promptTokens: ticket.job.request.prompt.count)
  }

  private mutating func receive(_ id: Int, _ result: Result<PinnedAdapter, any Error>) {
    loading.remove(id)
    guard tickets[id] != nil else { return }
    switch result {
    case .success(let pinned): tickets[id]?.job.request.adapter = pinned
    case .failure(let error as ServingError) where error.code == .noRoom && !batch.running.isEmpty:
      isCramped = true
    case .failure(let error):
      fail(id, error as? ServingError ?? ServingError(.badAdapter, "\(error)"))
    }
  }

  /// Starts those whose turn it is, whose adapter is there and whose cache has room.
  private mutating func admit() {
    if batch.running.isEmpty { isCramped = false }
    var waiting = tickets
    var loading = loading
    let (loop, isCramped, now) = (loop, isCramped, EngineLoop.now())
    batch.admit { id in
      guard let job = waiting[id]?.job else { return .notReady }
      var request = job.request
      if let source = job.adapter, request.adapter == nil {
        request.adapter = loop.adapters.pinResident(source.digest)
        guard request.adapter != nil else {
          if !isCramped, loading.count < EngineRun.loadsAhead, loading.insert(id).inserted {
            loop.load(source, for: id)
          }
          return .notReady
        }
      }
      let tokens = loop.engine.tokens(of: request)
      let bytes = loop.engine.model.cacheBytes(tokens: tokens)
      guard let memory = loop.adapters.budget.reserve(bytes),
        let started = try? loop.engine.start(id, request, capacity: tokens)
      else { return .noRoom }
      waiting[id]?.memory = memory
      waiting[id]?.started = now
      return .started(started)
    }
    tickets = waiting
    self.loading = loading
    // Nobody runs, or is about to, who could leave room; what idles has been given up already.
    guard batch.running.isEmpty, loading.isEmpty, let id = batch.scheduler.nextID else { return }
    fail(id, tickets[id].map(lackOfRoom) ?? ServingError(.noRoom, "there is no memory"))
    admit()
  }

  /// Why a request finds no room where nobody runs.
  private func lackOfRoom(for ticket: EngineLoop.Ticket) -> ServingError {
    let tokens = loop.engine.tokens(of: ticket.job.request)
    let cache = loop.engine.model.cacheBytes(tokens: tokens)
    let adapter = ticket.job.adapter.flatMap { loop.adapters.pinResident($0.digest) }
    let capacity = loop.adapters.budget.capacity
    guard let bytes = adapter?.adapter.byteCount, bytes + cache > capacity else {
      return ServingError(
        .noRoom, "there is no memory for this request beside the adapters in use; ask again later")
    }
    return ServingError(
      .tooLarge,
      "the adapter's \(bytes) bytes and \(cache) for the cache of \(tokens) tokens are more than the "
        + "\(capacity) in all; ask for fewer tokens, or allow the server more memory")
  }

  /// A step, and then a rest where adapters are being loaded: within a step a thread that is held up holds up all.
  private mutating func stepAndRest() {
    guard loop.engine.usesEveryProcessor else { return step() }
    loop.adapters.gate.close()
    let began = EngineLoop.now()
    step()
    guard loop.adapters.gate.isUsed else { return }
    let step = EngineLoop.now() - began
    let rest = max(EngineRun.restShare * step, EngineRun.shortestRest)
    loop.adapters.gate.open(seconds: rest)
    // Whatever comes meanwhile: where something always does, a load would never end.
    Thread.sleep(forTimeInterval: rest)
  }

  private mutating func step() {
    let began = EngineLoop.now()
    do {
      let progress = try batch.step(on: loop.engine)
      let now = EngineLoop.now()
      statistics.steps += 1
      statistics.fedRequests += batch.lastFed
      statistics.promptTokens += batch.lastPromptRows
      statistics.generatedTokens += progress.count
      statistics.busySeconds += now - began
      for part in progress {
        if part.isFirst { tickets[part.id]?.firstToken = now }
        if !part.text.isEmpty || !part.choices.isEmpty {
          tickets[part.id]?.sink(.text(part.text, part.choices))
        }
      }
    } catch {
      for request in batch.takeAll() {
        fail(request.id, ServingError(.broken, "\(error)"), after: request.result)
      }
    }
    settle()
    publish()
  }

  /// Tells those who have ended; adapters may be loaded into the room that they leave.
  private mutating func settle() {
    let finished = batch.takeFinished()
    guard !finished.isEmpty else { return }
    let now = EngineLoop.now()
    statistics.cachedTokens += finished.reduce(0) { $0 + $1.result.cachedTokens }
    let ended = finished.compactMap { request in end(request.id).map { (request, $0) } }
    // Before they are told: who has an answer finds it counted.
    publish()
    for (request, ticket) in ended {
      ticket.sink(
        .finished(
          request.result,
          GenerateTimes(
            waiting: (ticket.started ?? now) - ticket.arrived,
            firstToken: (ticket.firstToken ?? now) - ticket.arrived, total: now - ticket.arrived)))
    }
    isCramped = false
  }

  private mutating func cancel(_ id: Int) {
    guard tickets[id] != nil else { return }
    batch.cancel(id)
    // One that runs is told of at the next `settle`.
    guard !batch.running.contains(where: { $0.id == id }), let ticket = end(id) else { return }
    var result = GenerateResult()
    result.finish = .cancelled
    let waited = EngineLoop.now() - ticket.arrived
    ticket.sink(
      .finished(result, GenerateTimes(waiting: waited, firstToken: waited, total: waited)))
  }

  private mutating func giveUpLate() {
    let now = EngineLoop.now()
    for (id, ticket) in tickets {
      guard let deadline = ticket.deadline, deadline <= now else { continue }
      fail(
        id,
        ServingError(
          .late,
          ticket.started == nil
            ? "the request waited \(Int(ticket.job.patience ?? 0)) seconds without its turn; ask again later"
            : "the answer took longer than \(Int(ticket.job.patience ?? 0)) seconds; ask for fewer tokens"
        ))
    }
  }

  /// - Parameter result: What had been made, where the request does not run any more.
  private mutating func fail(
    _ id: Int, _ error: ServingError, after result: GenerateResult = GenerateResult()
  ) {
    let made = batch.drop(id)?.result ?? result
    end(id)?.sink(.failed(error, made))
  }

  /// Forgets a request.
  private mutating func end(_ id: Int) -> EngineLoop.Ticket? {
    guard let ticket = tickets.removeValue(forKey: id) else { return nil }
    loop.close(ticket)
    return ticket
  }

  private mutating func publish() {
    statistics.running = batch.running.count
    // One that is given up while its adapter loads waits no more.
    let loads = loading.count { tickets[$0] != nil }
    statistics.waiting = batch.scheduler.waitingCount - loads
    statistics.loading = loads
    statistics.prefixBytes = loop.prefixes.bytes
    loop.publish(statistics)
  }
}
