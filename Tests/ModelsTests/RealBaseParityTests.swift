import Autograd
import Checkpoints
import Expect
import JSON
import Models
import Tensors
import Testing

/// SmolLM2-135M-Instruct from its GGUF against transformers on the same dequantised weights
/// (`Tests/Fixtures/realbase/make_realbase.py`).
@Suite("RealBase: SmolLM2 agrees with transformers", .serialized)
struct RealBaseParityTests {
  struct Prompt: Sendable, CustomTestStringConvertible {
    var name: String
    var ids: [Int32]
    var magnitude: Float
    var entries: [Int]
    var logits: [Float]
    var greedy: [Int32]
    var testDescription: String { name }
  }

  static let prompts: [Prompt] = {
    guard let data = try? Fixtures.data("realbase/generation.json"),
      let facts = try? JSONValue(parsing: data)
    else { return [] }
    return (facts["prompts"]?.arrayValue ?? []).map { prompt in
      func integers(_ key: String) -> [Int] {
        prompt[key]?.arrayValue?.compactMap(\.intValue) ?? []
      }
      return Prompt(
        name: prompt["name"]?.stringValue ?? "", ids: integers("ids").map(Int32.init),
        magnitude: Float(prompt["magnitude"]?.doubleValue ?? 0), entries: integers("entries"),
        logits: prompt["logits"]?.arrayValue?.compactMap(\.doubleValue).map { Float($0) } ?? [],
        greedy: integers("greedy").map(Int32.init))
    }
  }()

  @Test("logits of twenty prompts to 1e-3, and the same 48 greedy tokens")
  func greedyPaths() throws {
    try #require(Self.prompts.count == 20)
    let (paths, errors) = try answers(weights: .f32)
    for (index, prompt) in Self.prompts.enumerated() {
      #expect(paths[index] == prompt.greedy, "\(prompt.name)")
      #expect(errors[index] <= 1e-3, "\(prompt.name)")
    }
  }

  /// What each packed form keeps: 16-bit activations (with keys and values in float16) all, bf16 nearly all; 8-bit ones turn
  /// near ties.
  @Test(
    "packed, logits and greedy tokens nearly the same",
    arguments: [(WeightFormat.native, 0.002, 19), (.bf16, 0.02, 15), (.int8, 0.07, 3)])
  func packed(format: WeightFormat, bound: Float, texts: Int) throws {
    let (paths, errors) = try answers(weights: format)
    for (prompt, error) in zip(Self.prompts, errors) {
      #expect(error < bound, "\(prompt.name)")
    }
    let same = zip(paths, Self.prompts).count { $0 == $1.greedy }
    #expect(same >= texts, "\(same) of 20 texts")
  }

  /// 48 greedy tokens of each prompt, all in one batch, and how far the first logits are from transformers'.
  private func answers(weights: WeightFormat) throws -> ([[Int32]], [Float]) {
    let pool = WorkerPool()
    defer { pool.shutDown() }
    let model = try Model.load(
      try Checkpoint.open(path: RealBase.path), weights: weights, pool: pool)
    let recycler = BufferRecycler()
    var sequences = try Self.prompts.map {
      DecodingSequence(cache: try model.makeCache(capacity: $0.ids.count + 48), pending: $0.ids)
    }
    var paths = Self.prompts.map { _ in [Int32]() }
    var errors = Self.prompts.map { _ in Float.infinity }
    while paths.contains(where: { $0.count < 48 }) {
      let (complete, logits) = try model.advance(
        &sequences, rowLimit: 512, updates: { _, _ in BatchUpdates() }, pool: pool,
        recycler: recycler)
      for (row, index) in complete.enumerated() {
        if paths[index].isEmpty {
          errors[index] = error(of: logits.rows(row..<row + 1).values, Self.prompts[index])
        }
        let token = Int32(logits.largestColumn(row: row))
        paths[index].append(token)
        sequences[index].pending = paths[index].count < 48 ? [token] : []
      }
    }
    return (paths, errors)
  }

  /// The largest difference from the expected logits, beside the largest of them.
  private func error(of logits: [Float], _ prompt: Prompt) -> Float {
    let differences = zip(prompt.entries, prompt.logits).map { abs(logits[$0] - $1) }
    return (differences.max() ?? .infinity) / prompt.magnitude
  }
}
