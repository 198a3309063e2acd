import Adapters
import Checkpoints
import Digests
import Expect
import Foundation
import Models
import Serving
import Synchronization
import Tensors
import Testing
import Tokenizers

/// A small random model with a tokenizer, an engine over it, and adapters that change what it says.
final class ToyEngine: Sendable {
  static let base = Digest.of("toy base")

  let engine: Engine
  let workers = WorkerPool(threads: 2)

  init(_ name: String = "smollm2", weights: WeightFormat = .f32) throws {
    let checkpoint = try Checkpoint.open(path: Fixtures.url("models/\(name)").path)
    let tokenizer = try Tokenizer.load(
      tokenizerJSON: try Fixtures.data("tokenizers/smollm.json"), configuration: nil)
    engine = Engine(
      model: try Model.load(checkpoint, weights: weights, pool: workers), tokenizer: tokenizer,
      pool: workers)
  }

  deinit { workers.shutDown() }

  func pool(capacity: Int = 1 << 30) -> AdapterPool {
    AdapterPool(base: ToyEngine.base, capacityBytes: capacity)
  }

  /// An adapter with random weights, large enough to be heard.
  func adapter(_ seed: UInt64, rank: Int = 4) throws -> Adapter {
    let slots = engine.model.slots
    let configuration = LoRAConfiguration(rank: rank, alpha: 32, targets: .allLinear)
    let start = try TargetSelection(configuration, slots: slots).initialDeltas(
      slots: slots, seed: seed)
    var generator = SplitMix64(seed: seed)
    let deltas = start.sorted { $0.key < $1.key }.map { slot, delta in
      let b = Matrix(
        rows: delta.b.rows, columns: delta.b.columns,
        (0..<delta.b.count).map { _ in generator.uniform() - 0.5 })
      return (slot, LowRank(a: delta.a, b: b, scale: delta.scale))
    }
    return try Adapter(
      configuration: configuration, baseFingerprint: ToyEngine.base, slots: slots,
      deltas: Dictionary(uniqueKeysWithValues: deltas))
  }

  /// `adapter` as it is in memory while it may answer.
  func resident(_ adapter: Adapter) -> ResidentAdapter {
    ResidentAdapter(adapter, for: engine.model)
  }

  /// Bytes that it takes so.
  func bytes(_ adapter: Adapter) -> Int { resident(adapter).byteCount }

  func source(_ adapter: Adapter) -> AdapterSource {
    AdapterSource(digest: adapter.digest) { self.resident(adapter) }
  }

  /// A request with a prompt of `count` tokens, which begin as `seed` says.
  func request(_ count: Int, seed: UInt64 = 1, tokens: Int = 12) -> GenerateRequest {
    var generator = SplitMix64(seed: seed)
    var request = GenerateRequest(
      prompt: (0..<count).map { _ in Token(3 + generator.next() % 120) })
    request.maximumTokens = tokens
    return request
  }
}

/// What an engine tells of one request, waited for.
final class Listener: Sendable {
  private struct Heard {
    var text = ""
    var choices: [TokenChoice] = []
    var end: Result<GenerateResult, ServingError>?
  }

  private let heard = Mutex(Heard())
  private let bell = DispatchSemaphore(value: 0)

  var text: String { heard.withLock { $0.text } }
  var choices: [TokenChoice] { heard.withLock { $0.choices } }
  var hasEnded: Bool { heard.withLock { $0.end != nil } }

  func receive(_ event: GenerateEvent) {
    heard.withLock { heard in
      switch event {
      case .text(let text, let choices):
        heard.text += text
        heard.choices += choices
      case .finished(let result, _):
        if heard.end != nil { Issue.record("a request ended twice") }
        heard.end = .success(result)
      case .failed(let error, _):
        if heard.end != nil { Issue.record("a request ended twice") }
        heard.end = .failure(error)
      }
    }
    if case .text = event { return }
    bell.signal()
  }

  /// The end, once it has come.
  func result() throws -> GenerateResult {
    guard bell.wait(timeout: .now() + 120) == .success else {
      throw ServingError(.broken, "the test waited two minutes for an answer")
    }
    bell.signal()
    return try heard.withLock { try #require($0.end) }.get()
  }
}

extension EngineLoop {
  func submit(_ job: EngineJob, _ listener: Listener) throws -> Int {
    try submit(job) { listener.receive($0) }
  }

  /// Submits a job and waits for its answer.
  func answer(_ job: EngineJob) throws -> GenerateResult {
    let listener = Listener()
    _ = try submit(job, listener)
    return try listener.result()
  }
}
