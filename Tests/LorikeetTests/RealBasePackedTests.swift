import Autograd
import Expect
import Foundation
import Lorikeet
import Models
import Tensors
import Testing

/// The real base in each of its packed forms beside the same in floats.
@Suite("RealBase: packed weights", .serialized)
struct RealBasePackedTests {
  /// Tokens to read: 20,480 where `LORIKEET_LONG` is set, which takes over a minute, else a quarter.
  private let count =
    ProcessInfo.processInfo.environment["LORIKEET_LONG"] == nil ? 5_120 : 20_480

  /// The mean loss, in nats, of a recipe's rows, read 512 tokens at a time.
  private func loss(_ base: LoadedBase, pool: WorkerPool) throws -> Double {
    let file = Fixtures.url("../../Adapters/sentiment-tweets/train.jsonl")
    let text = try String(contentsOf: file, encoding: .utf8)
    let tokens = base.tokenizer.encode(String(text.prefix(400_000)), addSpecialTokens: false)
    try #require(tokens.count > count)
    let recycler = BufferRecycler()
    var sum = 0.0
    for start in stride(from: 0, to: count, by: 512) {
      let part = Array(tokens[start..<start + 513])
      var batch = RaggedBatch()
      batch.append(Array(part.dropLast()))
      let tape = Tape(pool: pool, recycler: recycler, recording: false)
      let hidden = try base.model.hiddenStates(batch, on: tape)
      let result = base.model.loss(
        hidden, targets: Array(part.dropFirst()), gradientScale: 0, on: tape)
      sum += result.losses.reduce(0) { $0 + Double($1) }
    }
    return sum / Double(count)
  }

  @Test(
    "have the same bits mapped from a file as packed at load",
    arguments: [WeightFormat.bf16, .int8, .native])
  func mapped(format: WeightFormat) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let pool = WorkerPool()
    defer { pool.shutDown() }
    func workspace() throws -> Workspace { try Workspace(home: folder.path, pool: pool) }
    let tokens: [Int32] = (0..<70).map { $0 * 577 + 3 }
    let record = try workspace().addBase(path: RealBase.path, name: "smollm2")
    let before = try packedLogits(workspace().openBase(weights: format).model, tokens, pool)
    let file = try workspace().packBase(record, weights: format).file
    let base = try workspace().openBase(weights: format)
    #expect(try isMapped(file.path))
    #expect(try packedLogits(base.model, tokens, pool) == before)
  }

  @Test("keep the perplexity of a long text")
  func perplexity() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let pool = WorkerPool()
    defer { pool.shutDown() }
    let workspace = try Workspace(home: folder.path, pool: pool)
    _ = try workspace.addBase(path: RealBase.path, name: "smollm2")
    let reference = try loss(workspace.openBase(weights: .f32), pool: pool)
    for (format, bound) in [(WeightFormat.bf16, 0.003), (.native, 0.003), (.int8, 0.005)] {
      let found = try loss(workspace.openBase(weights: format), pool: pool)
      let change = exp(found - reference) - 1
      #expect(
        abs(change) < bound,
        "\(format): perplexity \(exp(found)) where floats have \(exp(reference))")
    }
  }
}
