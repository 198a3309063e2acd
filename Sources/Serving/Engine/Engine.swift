import Adapters
import Autograd
import Checkpoints
import Digests
public import Models
public import Tensors
public import Tokenizers

/// Runs requests on one base, all in one ragged batch, each with its own adapter or none.
///
/// A step feeds every request in flight some rows (a piece of its prompt, or its last token) and samples where a
/// prompt is complete. Steps are synchronous and belong to the thread that asks for them; only one thread may at a time.
/// What a request is answered does not depend on the others, to the bit where the weights are packed; of weights in floats
/// the last bits of logits do, by BLAS's rounding.
public final class Engine: Sendable {
  /// The base.
  public let model: Model
  /// Its tokenizer.
  public let tokenizer: Tokenizer
  private let pool: WorkerPool
  private let recycler = BufferRecycler()
  /// Whether a step leaves no processor to others.
  let usesEveryProcessor: Bool

  /// An engine over a loaded model.
  public init(model: Model, tokenizer: Tokenizer, pool: WorkerPool) {
    self.model = model
    self.tokenizer = tokenizer
    self.pool = pool
    usesEveryProcessor = pool.threads >= WorkerPool.processors
  }

  /// Answers `requests`, together.
  /// - Parameter onText: Receives a request's index and its next piece of text; returns whether to go on with it.
  /// - Returns: One result a request, in their order.
  /// - Throws: `ServingError` where a request is impossible; then none has been started.
  public func generate(
    _ requests: [GenerateRequest],
    onText: (_ request: Int, _ text: String) -> Bool = { _, _ in true }
  ) throws -> [GenerateResult] {
    for request in requests { try request.check(contextLength: contextLength) }
    var results = [GenerateResult](repeating: GenerateResult(), count: requests.count)
    var limits = Scheduler.Limits()
    limits.streams = requests.count
    limits.rowsPerStep = max(512, requests.count)
    limits.promptRowsBesideTokens = limits.rowsPerStep
    var batch = RequestBatch(limits: limits)
    for (index, request) in requests.enumerated() {
      batch.add(index, tenant: "", promptTokens: request.prompt.count)
    }
    let started = try requests.enumerated().map {
      try start($0, $1, capacity: tokens(of: $1))
    }
    batch.admit { .started(started[$0]) }
    while !batch.isEmpty {
      for progress in try batch.step(on: self) where !progress.text.isEmpty {
        if !onText(progress.id, progress.text) { batch.cancel(progress.id) }
      }
      for done in batch.takeFinished() { results[done.id] = done.result }
    }
    return results
  }

  /// The most tokens of a sequence.
  var contextLength: Int { model.configuration.contextLength }

  /// The most tokens that a request and its answer have together.
  func tokens(of request: GenerateRequest) -> Int {
    min(contextLength, request.prompt.count + request.maximumTokens)
  }

  /// A request ready to run.
  /// - Parameter capacity: Positions to make room for at once.
  /// - Throws: `TensorError` where the system has no room for its cache.
  func start(_ id: Int, _ request: GenerateRequest, capacity: Int) throws(TensorError)
    -> RunningRequest
  {
    RunningRequest(
      id: id, request: request, cache: try model.makeCache(capacity: capacity), tokenizer: tokenizer
    )
  }

  /// One forward pass over `rows` of the running requests; takes the next token where a prompt is complete.
  /// - Parameter updates: What the adapters did in the last step; receives what they do in this one.
  /// - Returns: For each token taken the index of its request, the text and the choice.
  func step(_ running: inout [RunningRequest], rows: [Int], updates: inout StepUpdates) throws
    -> [(index: Int, text: String, choices: [TokenChoice])]
  {
    var sequences = running.map(\.sequence)
    let adapters = running.map(\.request.adapter?.adapter)
    let (complete, logits) = try model.advance(
      &sequences, rows: rows, updates: { updates.batch($0, adapters, at: $1) }, pool: pool,
      recycler: recycler)
    for index in running.indices { running[index].sequence = sequences[index] }
    let likeliest = logits.largestOfRows(pool: pool)
    return complete.enumerated().map { row, index in
      let (text, choices) = running[index].advance(
        likeliest: Token(likeliest[row]), contextLength: contextLength,
        logits: logits.rows(row..<row + 1))
      return (index, text, choices)
    }
  }
}
