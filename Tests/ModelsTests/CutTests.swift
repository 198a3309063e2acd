import Autograd
import Checkpoints
import Expect
import Models
import Tensors
import Testing

/// A row's bits depend on its sequence alone: not on the pieces that the sequence is fed in, nor on what goes beside it.
@Suite("Cutting a sequence into pieces changes no bit")
struct CutTests {
  private let pool = WorkerPool(threads: 2)
  private let tokens = (0..<150).map { Int32($0 * 7 % 101) }

  @Test(
    "packed weights", arguments: [WeightFormat.bf16, .int8, .native], [nil, 40])
  func packed(weights: WeightFormat, window: Int?) throws {
    defer { pool.shutDown() }
    let model = try ToyModel.load(weights, window: window)
    let whole = try rowLogits(model, tokens, [150], pool: pool)
    let cuts = [
      [1, 149], [7, 48, 64, 31], [100] + Array(repeating: 1, count: 50), [48, 1, 1, 95, 5],
      Array(repeating: 1, count: 150), [149, 1],
    ]
    for cut in cuts {
      for company in [0, 1, 3] where company * cut.count < 400 {
        let pieces = try rowLogits(model, tokens, cut, company: company, pool: pool)
        let different = whole.indices.first { whole[$0] != pieces[$0] }
        #expect(different == nil, "row by row \(cut), beside \(company)")
      }
    }
    // Without a cache, as training and evaluation read a text.
    let tape = Tape(pool: pool, recycler: BufferRecycler(), recording: false)
    let hidden = try model.hiddenStates(RaggedBatch(sequences: [tokens]), on: tape)
    #expect(model.logits(hidden, on: tape).value.values == Array(whole.joined()))
  }
}

/// The same on the real base, in its own blocks.
@Suite("RealBase: cutting a sequence into pieces changes no bit")
struct RealBaseCutTests {
  @Test("activations in 16 bits")
  func realBase() throws {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    let model = try Model.load(
      try Checkpoint.open(path: RealBase.path), weights: .native, pool: pool)
    let tokens = Array(RealBaseParityTests.prompts.flatMap(\.ids).prefix(70))
    let whole = try rowLogits(model, tokens, [70], pool: pool)
    for (cut, company) in [([1, 48, 15, 1, 1, 1, 3], 0), ([7, 62, 1], 2)] {
      #expect(
        try rowLogits(model, tokens, cut, company: company, pool: pool) == whole, "\(cut)")
    }
  }
}

/// The logits of every row of `tokens`, fed in these pieces, after a sequence of `company` rows in each batch where there is
/// one.
private func rowLogits(
  _ model: Model, _ tokens: [Int32], _ pieces: [Int], company: Int = 0, pool: WorkerPool
) throws -> [[Float]] {
  precondition(pieces.reduce(0, +) == tokens.count, "pieces do not make up the sequence")
  let cache = try model.makeCache(capacity: 3)
  let other = try model.makeCache(capacity: 512)
  let recycler = BufferRecycler()
  var rows: [[Float]] = []
  for piece in pieces {
    var batch = RaggedBatch()
    if company > 0 {
      batch.append([Int32](repeating: 5, count: company), firstPosition: other.count)
    }
    batch.append(Array(tokens[rows.count..<rows.count + piece]), firstPosition: rows.count)
    let tape = Tape(pool: pool, recycler: recycler, recording: false)
    let hidden = try model.hiddenStates(
      batch, caches: company > 0 ? [other, cache] : [cache], on: tape)
    let logits = model.logits(hidden, on: tape).value
    rows += (company..<company + piece).map { row in
      logits.withRow(row) { values in values.indices.map { values[$0] } }
    }
  }
  return rows
}
