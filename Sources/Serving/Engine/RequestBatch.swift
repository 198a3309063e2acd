import Digests
import Models
import Tokenizers

/// The requests of one engine, waiting and running, step by step.
struct RequestBatch {
  private(set) var scheduler: Scheduler
  /// Requests of one adapter stand together, so that its updates are applied to all their rows at once.
  private(set) var running: [RunningRequest] = []
  private let prefixes: PrefixCache?
  /// Forgotten whenever a request leaves, so that its adapter's memory goes with it.
  private var updates = StepUpdates()
  /// Requests that the last step fed.
  private(set) var lastFed = 0
  /// Rows of prompts in the last step.
  private(set) var lastPromptRows = 0

  /// What one step gave a request.
  struct Progress {
    let id: Int
    let text: String
    let choices: [TokenChoice]
    /// Whether it is the first token.
    let isFirst: Bool
  }

  init(limits: Scheduler.Limits, prefixes: PrefixCache? = nil) {
    scheduler = Scheduler(limits: limits)
    self.prefixes = prefixes
  }

  /// Whether nobody waits or runs.
  var isEmpty: Bool { running.isEmpty && scheduler.waitingCount == 0 }

  mutating func add(_ id: Int, tenant: String, promptTokens: Int) {
    scheduler.add(id, tenant: tenant, promptTokens: promptTokens)
  }

  /// What came of the attempt to start a request.
  enum Start {
    case started(RunningRequest)
    case notReady
    case noRoom
  }

  /// Starts waiting requests, in their turn, while `start` has them fit.
  mutating func admit(_ start: (Int) -> Start) {
    var started: [RunningRequest] = []
    scheduler.admit { id in
      switch start(id) {
      case .started(let request):
        started.append(request)
        return .started
      case .notReady: return .notReady
      case .noRoom: return .noRoom
      }
    }
    guard !started.isEmpty else { return }
    running += started
    running.sort { ($0.adapterDigest?.hex ?? "", $0.id) < ($1.adapterDigest?.hex ?? "", $1.id) }
  }

  /// One forward pass over everybody's next rows.
  mutating func step(on engine: Engine) throws -> [Progress] {
    try adopt()
    let plan = scheduler.plan()
    let rows = running.map { plan[$0.id] ?? 0 }
    let isPrompt = running.map { $0.remainingPrompt > 0 }
    lastFed = rows.count { $0 > 0 }
    lastPromptRows = zip(rows, isPrompt).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
    let tokens = try engine.step(&running, rows: rows, updates: &updates)
    for (index, request) in running.enumerated() where rows[index] > 0 {
      scheduler.charge(request.id, rows: rows[index])
      if isPrompt[index] {
        prefixes?.keep(
          request.request.prompt, adapter: request.adapterDigest, of: request.sequence.cache)
      }
    }
    return tokens.map { index, text, choices in
      Progress(
        id: running[index].id, text: text, choices: choices,
        isFirst: isPrompt[index])
    }
  }

  /// Takes what is known of the prompts from the prefix cache.
  private mutating func adopt() throws {
    guard let prefixes else { return }
    for index in running.indices where running[index].remainingPrompt > 0 {
      let request = running[index]
      for block in prefixes.blocks(
        of: request.request.prompt, adapter: request.adapterDigest,
        after: request.sequence.cache.count)
      {
        try request.sequence.cache.append(block)
        running[index].skip(block.count)
        scheduler.skip(request.id, tokens: block.count)
      }
    }
  }

  /// Ends a running request's answer, or takes a waiting one out.
  mutating func cancel(_ id: Int) {
    scheduler.remove(id)
    guard let index = running.firstIndex(where: { $0.id == id }) else { return }
    running[index].finish(.cancelled)
  }

  /// Takes a request out, wherever it is.
  /// - Returns: It, where it ran.
  @discardableResult
  mutating func drop(_ id: Int) -> RunningRequest? {
    scheduler.remove(id)
    guard let place = running.firstIndex(where: { $0.id == id }) else { return nil }
    updates = StepUpdates()
    return running.remove(at: place)
  }

  /// Takes out the requests that have ended.
  mutating func takeFinished() -> [RunningRequest] {
    let finished = running.filter(\.isFinished)
    guard !finished.isEmpty else { return [] }
    for request in finished { scheduler.remove(request.id) }
    running.removeAll(where: \.isFinished)
    updates = StepUpdates()
    return finished
  }

  /// Takes everybody out who runs: a step has failed.
  mutating func takeAll() -> [RunningRequest] {
    let all = running
    for request in all { scheduler.remove(request.id) }
    running = []
    updates = StepUpdates()
    return all
  }
}
