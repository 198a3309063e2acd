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
    let model = try Model.load(try Checkpoint.open(path: RealBase.path))
    let pool = WorkerPool()
    let recycler = BufferRecycler()
    var sequences = Self.prompts.map {
      DecodingSequence(cache: model.makeCache(capacity: $0.ids.count + 48), pending: $0.ids)
    }
    var paths = Self.prompts.map { _ in [Int32]() }
    while paths.contains(where: { $0.count < 48 }) {
      let (complete, logits) = try model.advance(
        &sequences, rowLimit: 512, updates: { _ in BatchUpdates() }, pool: pool, recycler: recycler)
      for (row, index) in complete.enumerated() {
        if paths[index].isEmpty { expectLogits(logits.rows(row..<row + 1).values, of: index) }
        let token = Int32(logits.largestColumn(row: row))
        paths[index].append(token)
        sequences[index].pending = paths[index].count < 48 ? [token] : []
      }
    }
    for (prompt, path) in zip(Self.prompts, paths) {
      #expect(path == prompt.greedy, "\(prompt.name)")
    }
  }

  private func expectLogits(_ logits: [Float], of index: Int) {
    let prompt = Self.prompts[index]
    for (entry, expected) in zip(prompt.entries, prompt.logits) {
      let difference = abs(logits[entry] - expected)
      #expect(difference <= 1e-3 * prompt.magnitude, "\(prompt.name), entry \(entry)")
    }
  }
}
