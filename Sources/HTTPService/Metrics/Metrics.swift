import Lorikeet
import Serving
import Synchronization

/// Counts what the server does, for Prometheus.
final class Metrics: Sendable {
  struct State {
    var requests: [RequestKey: Int] = [:]
    var seconds = Histogram(bounds: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120])
    var waiting = Histogram(bounds: [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 60])
    var firstToken = Histogram(bounds: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    var perToken = Histogram(bounds: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1])
    var adapters: [String: AdapterCount] = [:]
  }

  struct RequestKey: Hashable {
    let route: String
    let status: Int
  }

  struct AdapterCount {
    var requests = 0
    var promptTokens = 0
    var generatedTokens = 0
  }

  /// Adapters that are counted by name; the rest are counted together.
  private static let mostAdapters = 200

  private let state = Mutex(State())

  /// Counts a request that has been answered.
  func count(route: String, status: Int, seconds: Double) {
    state.withLock { state in
      state.requests[RequestKey(route: route, status: status), default: 0] += 1
      state.seconds.add(seconds)
    }
  }

  /// Counts a request that was refused before it was whole.
  func countRefusal(_ status: Int) {
    state.withLock { $0.requests[RequestKey(route: "refused", status: status), default: 0] += 1 }
  }

  /// Counts an answer.
  func count(_ result: GenerateResult, _ times: GenerateTimes, model: ServedModel) {
    state.withLock { state in
      state.waiting.add(times.waiting)
      if !result.tokens.isEmpty { state.firstToken.add(times.firstToken) }
      if result.tokens.count > 1 {
        state.perToken.add((times.total - times.firstToken) / Double(result.tokens.count - 1))
      }
      var name = model.version?.adapter ?? Workspace.baseReference
      if state.adapters[name] == nil, state.adapters.count >= Self.mostAdapters { name = "other" }
      state.adapters[name, default: AdapterCount()].requests += 1
      state.adapters[name, default: AdapterCount()].promptTokens += result.promptTokens
      state.adapters[name, default: AdapterCount()].generatedTokens += result.tokens.count
    }
  }

  var snapshot: State { state.withLock { $0 } }
}

/// How often a value was at most each of some bounds.
struct Histogram {
  let bounds: [Double]
  private(set) var counts: [Int]
  private(set) var sum = 0.0
  private(set) var count = 0

  init(bounds: [Double]) {
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count)
  }

  mutating func add(_ value: Double) {
    sum += value
    count += 1
    for (index, bound) in bounds.enumerated() where value <= bound { counts[index] += 1 }
  }
}
