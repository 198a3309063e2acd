import Adapters
import Autograd
import Checkpoints
import Digests
public import Models
public import Tensors
public import Tokenizers

/// Runs requests on one base, all in one ragged batch, each with its own adapter or none.
///
/// A step feeds every request in flight its pending tokens (a piece of its prompt, or its last token) and
/// samples where a prompt is complete. Steps are synchronous and belong to the thread that calls `generate`.
public final class Engine {
  /// The base.
  public let model: Model
  /// Its tokenizer.
  public let tokenizer: Tokenizer
  private let pool: WorkerPool
  private let recycler = BufferRecycler()

  /// The most rows in one step: prompts longer than what is left are fed in pieces.
  private static let rowsPerStep = 512

  /// An engine over a loaded model.
  public init(model: Model, tokenizer: Tokenizer, pool: WorkerPool) {
    self.model = model
    self.tokenizer = tokenizer
    self.pool = pool
  }

  /// Answers `requests`, together.
  /// - Parameter onText: Receives a request's index and its next piece of text; returns whether to go on with it.
  /// - Returns: One result a request, in their order.
  /// - Throws: `ServingError` where a request is impossible; then none has been started.
  public func generate(
    _ requests: [GenerateRequest],
    onText: (_ request: Int, _ text: String) -> Bool = { _, _ in true }
  ) throws -> [GenerateResult] {
    for (index, request) in requests.enumerated() { try check(request, index) }
    var results = [GenerateResult](repeating: GenerateResult(), count: requests.count)
    var active = requests.enumerated().map {
      SequenceState(index: $0, request: $1, model: model, tokenizer: tokenizer)
    }
    // Requests of one adapter stand together, so that its updates are applied to all their rows at once.
    active.sort { ($0.adapterKey, $0.index) < ($1.adapterKey, $1.index) }
    while !active.isEmpty {
      try step(&active, onText)
      for state in active where state.isFinished { results[state.index] = state.result }
      active.removeAll(where: \.isFinished)
    }
    return results
  }

  private func check(_ request: GenerateRequest, _ index: Int) throws {
    if let problem = request.sampler.problem { throw ServingError(.badRequest, problem) }
    guard !request.prompt.isEmpty else {
      throw ServingError(.badRequest, "the prompt of request \(index) is empty")
    }
    guard request.maximumTokens > 0 else {
      throw ServingError(.badRequest, "the most tokens to make must be 1 or more")
    }
    let limit = model.configuration.contextLength
    guard request.prompt.count < limit else {
      throw ServingError(
        .tooLong,
        "the prompt is \(request.prompt.count) tokens long; the model's context is \(limit)")
    }
  }

  /// One forward pass over every active sequence's next rows.
  private func step(_ active: inout [SequenceState], _ onText: (Int, String) -> Bool) throws {
    var sequences = active.map(\.sequence)
    let adapters = active.map(\.request.adapter?.adapter)
    let (complete, logits) = try model.advance(
      &sequences, rowLimit: max(Engine.rowsPerStep, active.count),
      updates: { Engine.updates($0, adapters, at: $1) }, pool: pool, recycler: recycler)
    for index in active.indices { active[index].sequence = sequences[index] }
    for (row, index) in complete.enumerated() {
      advance(&active[index], logits.rows(row..<row + 1).values, onText)
    }
  }

  private func advance(
    _ state: inout SequenceState, _ logits: [Float], _ onText: (Int, String) -> Bool
  ) {
    let text = state.advance(logits)
    if !text.isEmpty, !onText(state.index, text), !state.isFinished { _ = state.finish(.cancelled) }
    let limit = model.configuration.contextLength
    if !state.isFinished, state.sequence.cache.count >= limit {
      let rest = state.finish(.length)
      if !rest.isEmpty { _ = onText(state.index, rest) }
    }
  }

  /// What the adapters do: one update for each run of rows with the same adapter.
  private static func updates(
    _ parts: [SequenceRows], _ adapters: [Adapter?], at slot: Int?
  ) -> BatchUpdates {
    var runs: [(adapter: Adapter, rows: Range<Int>)] = []
    for part in parts {
      guard let adapter = adapters[part.sequence] else { continue }
      if let last = runs.last, last.adapter.digest == adapter.digest,
        last.rows.upperBound == part.rows.lowerBound
      {
        runs[runs.count - 1].rows = last.rows.lowerBound..<part.rows.upperBound
      } else {
        runs.append((adapter, part.rows))
      }
    }
    var batch = BatchUpdates()
    for run in runs { run.adapter.updates.add(to: &batch, rows: run.rows, at: slot) }
    return batch
  }
}

extension SequenceState {
  fileprivate var adapterKey: String { request.adapter?.adapter.digest.hex ?? "" }
}
