import Adapters
import Autograd
import Checkpoints
import Digests
import Foundation
import Models
import Tensors
import Testing

@Suite("Biases, embeddings and whole weights")
struct WholeWeightTests {
  @Test("logits are PEFT's", arguments: WholeGolden.names)
  func logits(name: String) throws {
    let golden = try WholeGolden(name)
    let made = try AdaptersTests.logits(
      golden.model, [(golden.tokens, try golden.adapter().updates)])
    WholeGolden.expect(made, try golden.expected(), name)
  }

  @Test("rows of different adapters and of the base do not see each other")
  func mixed() throws {
    let goldens = try WholeGolden.together.map { try WholeGolden($0) }
    let model = goldens[0].model
    let alone = try AdaptersTests.logits(model, [(goldens[0].tokens, AdapterUpdates())])
    var sequences = try goldens.map { (tokens: $0.tokens, updates: try $0.adapter().updates) }
    sequences.insert((goldens[0].tokens, AdapterUpdates()), at: 3)
    let together = try AdaptersTests.logits(model, sequences)
    var expected = try goldens.map { try $0.expected() }
    expected.insert(alone, at: 3)
    for (index, wanted) in expected.enumerated() {
      let first = index * wanted.rows
      WholeGolden.expect(
        together.rows(first..<first + wanted.rows), wanted, "sequence \(index)")
    }
  }

  @Test("the loss of rows with a head of their own is that of their logits", arguments: [3, 256])
  func loss(chunk: Int) throws {
    let goldens = try ["head-tied", "everything"].map { try WholeGolden($0) }
    let model = goldens[0].model
    let count = goldens[0].tokens.count
    let targets = [Int32](repeating: 7, count: 3 * count)
    let tape = Tape(pool: WorkerPool(threads: 1), recycler: BufferRecycler(), recording: false)
    let batch = RaggedBatch(sequences: [[Int32]](repeating: goldens[0].tokens, count: 3))
    var updates = BatchUpdates()
    for (golden, rows) in zip(goldens, [0..<count, 2 * count..<3 * count]) {
      ResidentUpdates(try golden.adapter().updates, for: model).add(to: &updates, rows: rows)
    }
    let hidden = try model.hiddenStates(batch, updates: updates, on: tape)
    let result = model.loss(
      hidden, targets: targets, gradientScale: 0, updates: updates, chunk: chunk, on: tape)
    let (losses, _) = model.logits(hidden, updates: updates, on: tape).value
      .crossEntropy(targets: targets, gradientScale: 0, pool: tape.pool)
    for (row, pair) in zip(result.losses, losses).enumerated() {
      #expect(abs(pair.0 - pair.1) <= 1e-4 * abs(pair.1), "row \(row): \(pair)")
    }
  }

  @Test("what PEFT saved is written back byte by byte", arguments: WholeGolden.names)
  func writtenBack(name: String) throws {
    let golden = try WholeGolden(name)
    let adapter = try golden.adapter()
    let folder = try TemporaryFolder()
    try PEFT.write(adapter, directory: folder.path("again"))
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
      let again = try Data(contentsOf: folder.url.appendingPathComponent("again/" + file))
      #expect(try [UInt8](again) == golden.data(file), "\(file)")
    }
    let again = try PEFT.read(
      directory: folder.path("again"), baseFingerprint: Goldens.base, slots: golden.model.slots)
    #expect(again.digest == adapter.digest)
  }

  @Test("every change is told with its norm", arguments: WholeGolden.names)
  func coverage(name: String) throws {
    let golden = try WholeGolden(name)
    let adapter = try golden.adapter()
    let report = try adapter.coverage(over: (golden.model, WorkerPool(threads: 1)))
    let told = report.entries.map { (path: $0.path, kind: kind($0.change), norm: $0.norm) }
      .sorted { ($0.path, $0.kind) < ($1.path, $1.kind) }
    #expect(told.map { "\($0.path) \($0.kind)" } == golden.changes.map { "\($0.path) \($0.kind)" })
    for (one, other) in zip(told, golden.changes) {
      #expect(abs(one.norm - other.norm) <= 1e-5 * other.norm, "\(one.path) \(one.kind)")
    }
    #expect(report.layerCount + report.untouched.count == golden.model.slots.count)
    #expect(report.entries.allSatisfy { !$0.isOfValue } && !report.isWithoutEffect)
    let file = try SafetensorsFile(parsing: Bytes(golden.data("adapter_model.safetensors")))
    #expect(Set(report.entries.flatMap(\.tensors)) == Set(file.tensors.map(\.name)))
    #expect(
      try adapter.coverage().entries.count { $0.isOfValue }
        == golden.changes.count { ["bias", "weight"].contains($0.kind) })
    #expect(adapter.parameterCount == parameters(of: file, adapter))
    #expect(
      ResidentAdapter(adapter, for: golden.model).byteCount == adapter.parameterCount * 4)
  }

  private func kind(_ change: CoverageReport.Change) -> String {
    switch change {
    case .lowRank: "low rank"
    case .addedBias: "added bias"
    case .bias: "bias"
    case .weight: "weight"
    }
  }

  /// The file's values; a weight that it holds twice for a tied pair counts once.
  private func parameters(of file: SafetensorsFile, _ adapter: Adapter) -> Int {
    let twice =
      file.tensors.filter { $0.name.hasSuffix("base_layer.weight") }.count == 2
      || adapter.configuration.ensuresTying
    let shared = twice ? file.tensors.first { $0.shape == [131, 32] }?.count ?? 0 : 0
    return file.tensors.reduce(0) { $0 + $1.count } - shared
  }

  @Test("the digest sees every bias and weight that stands in place of the base's")
  func digest() throws {
    let golden = try WholeGolden("everything")
    let adapter = try golden.adapter()
    var seen: Set<Digest> = [adapter.digest]
    let updates = adapter.updates
    func digest(_ weights: [Int: Matrix], _ biases: [Int: Matrix]) throws -> Digest {
      try Adapter(
        configuration: adapter.configuration, baseFingerprint: Goldens.base, slots: adapter.slots,
        updates: AdapterUpdates(lowRank: updates.lowRank, weights: weights, biases: biases)
      ).digest
    }
    #expect(try digest(updates.weights, updates.biases) == adapter.digest)
    for (slot, weight) in updates.weights {
      var weights = updates.weights
      weights[slot] = changed(weight)
      #expect(seen.insert(try digest(weights, updates.biases)).inserted, "weight \(slot)")
    }
    for (slot, bias) in updates.biases {
      var biases = updates.biases
      biases[slot] = changed(bias)
      #expect(seen.insert(try digest(updates.weights, biases)).inserted, "bias \(slot)")
    }
  }

  private func changed(_ matrix: Matrix) -> Matrix {
    let copy = matrix.copied()
    copy[0, 3] += 1
    return copy
  }

  @Test("an update of the embedding alone does not reach a tied head, a new base weight does")
  func tying() throws {
    let golden = try WholeGolden("new-base-tied")
    let updates = try golden.adapter().updates
    let (head, embedding) = (
      golden.model.slots.index(of: .head), golden.model.slots.index(of: .embedding)
    )
    let one = try #require(head.flatMap { updates.weights[$0] })
    let other = try #require(embedding.flatMap { updates.weights[$0] })
    #expect(one.isSame(as: other))
    #expect(head.flatMap { updates.lowRank[$0] } == nil)
    let saved = try WholeGolden("embedding-saved-tied").adapter().updates
    #expect(head.flatMap { saved.weights[$0] } == nil)
  }
}
