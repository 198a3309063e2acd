import Adapters
import Autograd
import Checkpoints
import Expect
import Foundation
import JSON
import Models
import Tensors
import Testing

/// One adapter of `Tests/Fixtures/adapters/whole`: more than low-rank updates, over a small model.
struct WholeGolden {
  static let names = [
    "bias-adapted", "bias-all", "bias-of-b", "embedding-tied", "embedding-untied",
    "embedding-and-head", "new-base-tied", "head-tied", "head-untied", "embedding-saved-tied",
    "both-saved-tied", "both-made-one", "everything",
  ]
  /// Those over `llama-bias`, which can share one batch.
  static let together = names.filter { !["bias-all", "bias-of-b"].contains($0) }
    .filter { !$0.hasSuffix("untied") }

  let name: String
  /// The folder of its model.
  let base: String
  let model: Model
  let tokens: [Int32]
  private let facts: JSONValue

  init(_ name: String) throws {
    self.name = name
    facts = try #require(try Goldens.json("whole/cases.json")[name])
    tokens = (facts["tokens"]?.arrayValue ?? []).compactMap { $0.intValue.map(Int32.init) }
    base = try #require(facts["model"]?.stringValue)
    model = try Model.load(try Checkpoint.open(path: Fixtures.url("models/" + base).path))
  }

  var folder: String { Fixtures.url("adapters/whole/" + name).path }

  func data(_ file: String) throws -> [UInt8] {
    [UInt8](try Fixtures.data("adapters/whole/\(name)/\(file)"))
  }

  func adapter() throws -> Adapter {
    try PEFT.read(directory: folder, baseFingerprint: Goldens.base, slots: model.slots)
  }

  /// PEFT's logits, `(T, vocabulary)`.
  func expected() throws -> Matrix {
    let file = try SafetensorsFile(parsing: Bytes(data("logits.safetensors")))
    let tensor = try #require(file["logits"])
    return tensor.matrix(rows: tensor.shape[0], columns: tensor.shape[1])
  }

  /// What each layer's change is and how large.
  var changes: [(path: String, kind: String, norm: Double)] {
    (facts["changes"]?.arrayValue ?? []).map {
      let members = $0.arrayValue ?? []
      return (
        members[0].stringValue ?? "", members[1].stringValue ?? "", members[2].doubleValue ?? .nan
      )
    }
  }

  /// Fails for the first logit that is off by more than 1e-4 of its row's largest.
  static func expect(
    _ logits: Matrix, _ expected: Matrix, _ comment: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for row in 0..<expected.rows {
      let difference = firstDifference(
        logits.rows(row..<row + 1).values, expected.rows(row..<row + 1).values, rtol: 1e-4)
      #expect(difference == nil, "\(comment), row \(row)", sourceLocation: sourceLocation)
    }
  }
}

/// The logits of `sequences`, one after the other in one batch, each under its own updates.
func logits(_ model: Model, _ sequences: [(tokens: [Int32], updates: AdapterUpdates)]) throws
  -> Matrix
{
  let tape = Tape(pool: WorkerPool(threads: 1), recycler: BufferRecycler(), recording: false)
  let batch = RaggedBatch(sequences: sequences.map(\.tokens))
  var updates = BatchUpdates()
  for (segment, sequence) in zip(batch.segments, sequences) {
    ResidentUpdates(sequence.updates, for: model).add(to: &updates, rows: segment.rows)
  }
  let hidden = try model.hiddenStates(batch, updates: updates, on: tape)
  return model.logits(hidden, updates: updates, on: tape).value
}
