import Adapters
import Expect
import Foundation
import Models
import Tensors
import Testing
import Tokenizers
import Training

/// Steps whose sequences share the rows of what they have in common, against the same steps without.
@Suite("Shared prefixes")
struct SharedPrefixTests {
  /// Grouped heads, biases, query and key norms with an adapter on the head, a window of 8.
  static let models = [
    "llama3-all-linear", "qwen2-rslora-patterns", "qwen3-untied-regex-head", "mistral-loraplus",
  ]

  @Test("give the losses and gradients of rows of their own", arguments: models, Batch.all)
  func agree(model: String, batch: Batch) throws {
    let (alone, shared) = (try Machine(model, shares: false), try Machine(model))
    let expected = try alone.trainer.step(batch.sequences, rate: 0)
    let report = try shared.trainer.step(batch.sequences, rate: 0)
    #expect(expected.rows == batch.rows + batch.spared && expected.sparedRows == 0)
    #expect(report.rows == batch.rows && report.sparedRows == batch.spared)
    #expect(report.tokens == expected.tokens && report.targetTokens == expected.targetTokens)
    #expect(abs(report.loss - expected.loss) <= 1e-6 * expected.loss)
    let gradients = shared.trainer.gradients
    try #require(!gradients.isEmpty)
    for (slot, wanted) in alone.trainer.gradients {
      let path = shared.model.slots.slots[slot].path
      for (half, one, other) in [
        ("A", gradients[slot]?.a, wanted.a), ("B", gradients[slot]?.b, wanted.b),
      ] {
        let difference = firstDifference(
          try #require(one).values, try #require(other).values, rtol: 1e-5)
        #expect(difference == nil, "\(half) of \(path)")
      }
    }
  }

  @Test("give the same bits whatever the number of threads, and when blocks are computed again")
  func bits() throws {
    for name in Self.models {
      var results: [[Float]] = []
      for (threads, again) in [(1, false), (2, false), (7, false), (2, true)] {
        let machine = try Machine(name, threads: threads, recomputes: again)
        let report = try machine.trainer.step(Batch.nested.sequences, rate: 1e-3)
        _ = try machine.trainer.step(Batch.targets.sequences, rate: 1e-3)
        let deltas = machine.trainer.deltas.sorted { $0.key < $1.key }
        results.append([Float(report.loss)] + deltas.flatMap { $1.a.values + $1.b.values })
      }
      #expect(results.allSatisfy { $0 == results[0] }, "\(name)")
    }
  }

  @Test("are found on a small stack where each of thousands of sequences goes on from the last")
  func deep() async {
    let tokens = (0..<8 * 3000).map { Token($0 % 1000) }
    let sequences = (1...3000).map { tokens.prefix(8 * $0) }
    let forest = await withCheckedContinuation { continuation in
      let thread = Thread {
        continuation.resume(returning: PrefixForest(sequences, shares: true))
      }
      thread.stackSize = 1 << 17
      thread.start()
    }
    #expect(forest.order == Array(sequences.indices))
    for (index, pieces) in forest.pieces.enumerated() {
      #expect(pieces.map(\.id) == Array(0...index), "sequence \(index)")
    }
  }

  @Test("are computed once where a step is split, by sharing sequences going together")
  func split() throws {
    let (first, second) = (Batch.tokens(30, 1), Batch.tokens(30, 2))
    let sequences = (0..<8).map {
      Batch.sequence(($0 % 2 == 0 ? first : second) + Batch.tokens(6, 10 + $0), learns: 5)
    }
    // A part has one of the prefixes and its four sequences: 30 + 4 * 5 rows, and no room for another sequence.
    for (rows, expected) in [(2048, 100), (60, 100), (45, 160)] {
      let (alone, shared) = (
        try Machine("llama3-all-linear", shares: false),
        try Machine("llama3-all-linear", maximumRows: rows)
      )
      let report = try shared.trainer.step(sequences, rate: 0)
      #expect(report.rows == expected, "at most \(rows) rows")
      let loss = try alone.trainer.step(sequences, rate: 0).loss
      #expect(abs(report.loss - loss) <= 1e-6 * loss)
    }
  }

  @Test("are not shared with dropout, nor where nothing is in common: the same bits as without")
  func unchanged() throws {
    let apart = (0..<5).map { Batch.sequence(Batch.tokens(20, 20 + $0), learns: 7) }
    for (sequences, dropout) in [(Batch.nested.sequences, Float(0.1)), (apart, 0)] {
      let machines = try [true, false].map {
        try Machine("qwen2-rslora-patterns", shares: $0, dropout: dropout, maximumRows: 64)
      }
      let reports = try machines.map { try $0.trainer.step(sequences, rate: 1e-3) }
      #expect(reports[0] == reports[1] && reports[0].sparedRows == 0)
      for (slot, delta) in machines[0].trainer.deltas {
        let other = try #require(machines[1].trainer.deltas[slot])
        #expect(delta.a.values == other.a.values && delta.b.values == other.b.values)
      }
    }
  }

  @Test("give each sequence of an evaluation its own tally", arguments: Batch.all)
  func evaluation(batch: Batch) throws {
    let machine = try Machine("mistral-loraplus")
    let evaluator = Evaluator(model: machine.model, pool: WorkerPool(threads: 2))
    let updates = ResidentUpdates(
      AdapterUpdates(lowRank: machine.trainer.deltas), for: machine.model)
    let tallies = try evaluator.tallies(batch.sequences, updates: updates)
    try #require(tallies.count == batch.sequences.count)
    for (tally, sequence) in zip(tallies, batch.sequences) {
      let alone = try evaluator.tallies([sequence], updates: updates)[0]
      #expect(tally.targets == alone.targets && tally.correct == alone.correct)
      #expect(abs(tally.lossSum - alone.lossSum) <= 1e-5 * alone.lossSum)
    }
  }
}

/// A small model and a trainer of PEFT's final adapter on it.
private struct Machine {
  let model: Model
  let trainer: Trainer

  init(
    _ name: String, shares: Bool = true, threads: Int = 2, recomputes: Bool = false,
    dropout: Float = 0, maximumRows: Int = 2048
  ) throws {
    let run = try PEFTRun(name)
    var settings = TrainerSettings()
    settings.clip = nil
    settings.sharesPrefixes = shares
    settings.recomputesBlocks = recomputes
    settings.dropout = dropout
    settings.maximumRows = maximumRows
    model = run.model
    trainer = Trainer(
      model: model, deltas: try run.deltas("final"), settings: settings,
      pool: WorkerPool(threads: threads))
  }
}

/// Sequences of one step, and how many rows they take.
struct Batch: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let sequences: [TrainingSequence]
  /// Rows with prefixes shared.
  let rows: Int
  /// Rows besides without.
  let spared: Int

  /// `count` tokens of the small models' vocabulary.
  static func tokens(_ count: Int, _ seed: UInt64) -> [Int32] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Int32(generator.next() % 131) }
  }

  static func tokens(_ count: Int, _ seed: Int) -> [Int32] { tokens(count, UInt64(seed)) }

  /// A sequence whose last `learns` tokens are to be foreseen.
  static func sequence(_ tokens: [Int32], learns: Int) -> TrainingSequence {
    TrainingSequence(
      tokens: tokens, isTarget: tokens.indices.map { $0 > 0 && $0 >= tokens.count - learns },
      line: 0)
  }

  /// A system prompt, and questions and answers of several lengths, one of which has nothing to learn.
  static let prompt: Batch = {
    let system = tokens(20, 100)
    var sequences = [5, 1, 70, 2, 9].enumerated().map {
      sequence(system + tokens($1 + 1, 200 + $0), learns: min(3, $1 + 1))
    }
    sequences.insert(sequence(system + tokens(3, 300), learns: 0), at: 1)
    return Batch(
      testDescription: "a common prompt", sequences: sequences, rows: 20 + 87, spared: 4 * 20)
  }()

  /// Sequences that part at three depths, and one that is alone.
  static let nested: Batch = {
    let (trunk, left, right) = (tokens(66, 101), tokens(12, 102), tokens(9, 103))
    let twig = tokens(8, 104)
    let sequences = [
      trunk + left + tokens(5, 210), tokens(17, 211), trunk + right + tokens(4, 212),
      trunk + left + twig + tokens(3, 213), trunk + right + tokens(6, 214),
      trunk + left + twig + tokens(2, 215), trunk + tokens(7, 216),
    ].map { sequence($0, learns: 2) }
    // The trunk, its branches, the twig, and all rests without their last tokens.
    let rests = 4 + 16 + 3 + 2 + 5 + 1 + 6
    return Batch(
      testDescription: "nested prefixes", sequences: sequences, rows: 66 + 12 + 9 + 8 + rests,
      spared: 5 * 66 + 2 * 12 + 9 + 8)
  }()

  /// Sequences that stand several times.
  static let identical: Batch = {
    let one = sequence(tokens(31, 105), learns: 4)
    return Batch(
      testDescription: "identical sequences", sequences: [one, one, one], rows: 30, spared: 60)
  }()

  /// Sequences that begin others, down to a rest of one row.
  static let beginnings: Batch = {
    let whole = tokens(40, 106)
    let sequences = [25, 40, 10, 26].map { sequence(Array(whole.prefix($0)), learns: 5) }
    // All begin with nine rows, three go on with 15, and then one with 15 more and one with one more.
    return Batch(
      testDescription: "sequences that begin others", sequences: sequences,
      rows: 24 + 15 + 1, spared: 9 + 9 + 9 + 15 + 15)
  }()

  /// Every token is to be foreseen, those in common and those after which sequences part too.
  static let targets: Batch = {
    let prefix = tokens(14, 107)
    let sequences = (0..<4).map { sequence(prefix + tokens(3 + $0, 220 + $0), learns: 20) }
    return Batch(
      testDescription: "targets in common", sequences: sequences, rows: 14 + 2 + 3 + 4 + 5,
      spared: 3 * 14)
  }()

  /// Too few tokens in common for a segment of their own; the second pair has just enough.
  static let few: Batch = {
    let (seven, eight) = (tokens(7, 108), tokens(8, 109))
    let sequences = [seven + [1, 2, 3], seven + [4, 5, 6], eight + [1, 2, 3], eight + [4, 5]]
      .map { sequence($0, learns: 2) }
    return Batch(
      testDescription: "few tokens in common", sequences: sequences, rows: 9 + 9 + 8 + 2 + 1,
      spared: 8)
  }()

  static let all = [prompt, nested, identical, beginnings, targets, few]
}
