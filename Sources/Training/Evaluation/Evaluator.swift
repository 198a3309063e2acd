public import Adapters
import Autograd
import Checkpoints
public import Models
public import Tensors

/// Measures updates on held-out data: losses of known answers, and answers of the model's own.
public final class Evaluator {
  private let model: Model
  private let pool: WorkerPool
  private let recycler = BufferRecycler()

  /// Rows that go through the model at once.
  private static let rowLimit = 1024
  /// Answers that grow side by side.
  private static let width = 16

  /// An evaluator of updates over `model`.
  public init(model: Model, pool: WorkerPool) {
    self.model = model
    self.pool = pool
  }

  /// The losses of each sequence's target tokens under `updates`, and how many were foreseen.
  public func tallies(_ sequences: [TrainingSequence], updates: ResidentUpdates) throws
    -> [Metrics.TokenTally]
  {
    var tallies = [Metrics.TokenTally](repeating: Metrics.TokenTally(), count: sequences.count)
    let parts = TrainingPart.parts(
      of: sequences, maximumRows: Evaluator.rowLimit, sharesPrefixes: true)
    for part in parts where !part.targets.isEmpty {
      let tape = Tape(pool: pool, recycler: recycler, recording: false)
      let hidden = try model.hiddenStates(
        part.batch, updates: updates.applied(to: 0..<part.batch.rowCount), wanted: part.wanted,
        on: tape)
      let result = model.loss(
        hidden, targets: part.targets, gradientScale: 0,
        updates: updates.applied(to: 0..<part.wanted.count), on: tape)
      var row = 0
      for index in part.sequences {
        let rows = row..<row + sequences[index].targetCount
        tallies[index].add(
          lossSum: result.losses[rows].reduce(0) { $0 + Double($1) }, targets: rows.count,
          correct: result.right[rows].count(where: \.self))
        row = rows.upperBound
      }
    }
    return tallies
  }

  /// The most likely continuation of each prompt, token by token, without the token that ended it.
  /// - Parameters:
  ///   - prompts: At least one token each, and fewer than the model's context has.
  ///   - stopTokens: Tokens that end an answer.
  ///   - maximumTokens: The most tokens in an answer.
  ///   - progress: Told how many answers are complete.
  /// - Throws: `TrainingError` where a prompt is empty or leaves its answer no room; `SequenceEncoder.questions`
  ///   says so of the row.
  public func greedyAnswers(
    to prompts: [[Int32]], updates: ResidentUpdates, stopTokens: Set<Int32>, maximumTokens: Int,
    progress: (Int) -> Void = { _ in }
  ) throws -> [[Int32]] {
    for prompt in prompts {
      try Question.check(prompt, contextLength: model.configuration.contextLength)
    }
    var answers = [[Int32]](repeating: [], count: prompts.count)
    // Prompts of similar length side by side finish together.
    var waiting = prompts.indices.sorted { (prompts[$0].count, $0) > (prompts[$1].count, $1) }
    var active: [Int] = []
    var sequences: [DecodingSequence] = []
    while !waiting.isEmpty || !active.isEmpty {
      while active.count < Evaluator.width, let next = waiting.popLast() {
        active.append(next)
        sequences.append(
          DecodingSequence(
            cache: try model.makeCache(
              capacity: min(
                model.configuration.contextLength, prompts[next].count + maximumTokens)),
            pending: prompts[next]))
      }
      let (complete, logits) = try model.advance(
        &sequences, rowLimit: Evaluator.rowLimit,
        updates: { rows, _ in Evaluator.applied(updates, rows: rows) }, pool: pool,
        recycler: recycler)
      var finished: Set<Int> = []
      for (row, index) in complete.enumerated() {
        let token = Int32(logits.largestColumn(row: row))
        if !stopTokens.contains(token) { answers[active[index]].append(token) }
        sequences[index].pending = [token]
        let isFull =
          answers[active[index]].count >= maximumTokens
          || sequences[index].cache.count >= model.configuration.contextLength
        if stopTokens.contains(token) || isFull { finished.insert(index) }
      }
      active = active.indices.filter { !finished.contains($0) }.map { active[$0] }
      sequences = sequences.indices.filter { !finished.contains($0) }.map { sequences[$0] }
      if !finished.isEmpty { progress(prompts.count - waiting.count - active.count) }
    }
    return answers
  }

  /// One adapter for all rows, which stand together.
  private static func applied(_ updates: ResidentUpdates, rows: [SequenceRows]) -> BatchUpdates {
    guard let first = rows.first?.rows.lowerBound, let end = rows.last?.rows.upperBound else {
      return BatchUpdates()
    }
    return updates.applied(to: first..<end)
  }
}
