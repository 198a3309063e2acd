import Autograd
import Checkpoints
import Expect
import Foundation
import JSON
import Models
import Tensors
import Testing

/// Logits against transformers, in float32, on small random models with real configurations
/// (`Tests/Fixtures/models/make_models.py`).
@Suite("Logits agree with transformers")
struct ParityTests {
  static let models = [
    "llama2", "llama3", "llama-linear", "llama-bias", "smollm2", "smollm2-sharded", "smollm2-bf16",
    "smollm2-f16", "mistral", "qwen2", "qwen3", "qwen3-untied",
  ]

  /// 1e-4 of each row's largest magnitude, element by element.
  static let tolerance: Float = 1e-4

  @Test("in one pass over all sequences together", arguments: models)
  func together(name: String) throws {
    let golden = try Golden(name)
    let tape = golden.tape()
    let batch = RaggedBatch(sequences: golden.sequences)
    let logits = golden.model.logits(try golden.model.hiddenStates(batch, on: tape), on: tape).value
    for (index, segment) in batch.segments.enumerated() {
      golden.expect(logits.rows(segment.rows), sequence: index)
    }
  }

  /// The same weights as GGUF holds them, q and k rows interleaved for the Llama family
  /// (`Tests/Fixtures/checkpoints/make_checkpoints.py`).
  @Test(
    "read from GGUF",
    arguments: [
      "llama3", "llama-linear", "llama-bias", "smollm2", "mistral", "qwen2", "qwen3",
    ])
  func fromGGUF(name: String) throws {
    let golden = try Golden(name, checkpoint: "checkpoints/\(name).gguf")
    for (index, sequence) in golden.sequences.enumerated() {
      let tape = golden.tape()
      let hidden = try golden.model.hiddenStates(RaggedBatch(sequences: [sequence]), on: tape)
      golden.expect(golden.model.logits(hidden, on: tape).value, sequence: index)
    }
  }

  @Test("in pieces, over a key-value cache", arguments: models, [1, 2, 5])
  func inPieces(name: String, piece: Int) throws {
    let golden = try Golden(name)
    let caches = try golden.sequences.map { _ in try golden.model.makeCache(capacity: 2) }
    var rows = golden.sequences.map { _ in [[Float]]() }
    let longest = golden.sequences.map(\.count).max() ?? 0
    for start in stride(from: 0, to: longest, by: piece) {
      var batch = RaggedBatch()
      let live = golden.sequences.indices.filter { golden.sequences[$0].count > start }
      for index in live {
        batch.append(
          Array(golden.sequences[index][start...].prefix(piece)), firstPosition: start)
      }
      let tape = golden.tape()
      let hidden = try golden.model.hiddenStates(batch, caches: live.map { caches[$0] }, on: tape)
      let logits = golden.model.logits(hidden, on: tape).value
      for (index, segment) in zip(live, batch.segments) {
        for row in segment.rows { rows[index].append(logits.rows(row..<row + 1).values) }
      }
    }
    for index in golden.sequences.indices {
      let all = Array(rows[index].joined())
      golden.expect(
        Matrix(rows: rows[index].count, columns: all.count / rows[index].count, all),
        sequence: index)
    }
  }

  @Test("of the wanted rows only, in their order")
  func wantedRows() throws {
    let golden = try Golden("qwen3")
    let tape = golden.tape()
    let batch = RaggedBatch(sequences: golden.sequences)
    let all = try golden.model.hiddenStates(batch, on: tape).value
    let some = try golden.model.hiddenStates(batch, wanted: [30, 2, 7], on: tape).value
    for (row, index) in [30, 2, 7].enumerated() {
      #expect(some.rows(row..<row + 1).values == all.rows(index..<index + 1).values)
    }
  }

  @Test("a token outside the vocabulary is refused by number")
  func badToken() throws {
    let golden = try Golden("llama2")
    #expect(throws: ModelError.self) {
      try golden.model.hiddenStates(RaggedBatch(sequences: [[1, 100_000]]), on: golden.tape())
    }
  }
}

/// A fixture's model, its sequences and transformers' logits.
struct Golden {
  let model: Model
  let sequences: [[Int32]]
  private let file: SafetensorsFile
  private let pool = WorkerPool(threads: 1)

  /// The golden of `name`; its weights from `checkpoint` where they are to come from another file.
  init(_ name: String, checkpoint: String? = nil) throws {
    let folder = "models/\(name)"
    model = try Model.load(try Checkpoint.open(path: Fixtures.url(checkpoint ?? folder).path))
    let facts = try JSONValue(parsing: try Fixtures.data("\(folder)/golden.json"))
    sequences = (facts["sequences"]?.arrayValue ?? []).map { sequence in
      (sequence.arrayValue ?? []).compactMap(\.intValue).map(Int32.init)
    }
    try #require(!sequences.isEmpty)
    file = try SafetensorsFile.open(path: Fixtures.url("\(folder)/golden.safetensors").path)
  }

  func tape() -> Tape { Tape(pool: pool, recycler: BufferRecycler(), recording: false) }

  func expect(
    _ logits: Matrix, sequence: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard let stored = file["logits.\(sequence)"] else {
      Issue.record("no golden for sequence \(sequence)", sourceLocation: sourceLocation)
      return
    }
    let expected = stored.matrix(rows: stored.shape[0], columns: stored.shape[1])
    #expect(logits.rows == expected.rows, sourceLocation: sourceLocation)
    for row in 0..<min(logits.rows, expected.rows) {
      let difference = firstDifference(
        logits.rows(row..<row + 1).values, expected.rows(row..<row + 1).values,
        rtol: ParityTests.tolerance)
      #expect(difference == nil, "row \(row)", sourceLocation: sourceLocation)
    }
  }
}
