import Adapters
import Autograd
import Checkpoints
import Expect
import Foundation
import JSON
import Models
import Tensors
import Testing
import Training

/// The same batches, settings and first A and B as PEFT (`Tests/Fixtures/models/make_training.py`).
@Suite("Training agrees with PEFT")
struct TrainingParityTests {
  static let cases = [
    "llama3-all-linear", "qwen2-rslora-patterns", "qwen3-upper-layer", "qwen3-untied-regex-head",
    "mistral-loraplus",
  ]

  @Test("gradients of the first batch", arguments: cases)
  func gradients(name: String) throws {
    let run = try PEFTRun(name)
    let trainer = run.trainer(clips: false)
    _ = try trainer.step(run.batches[0], rate: 0)
    let expected = try SafetensorsFile.open(path: run.url("gradients.safetensors").path)
    let slots = run.model.slots.slots
    for (slot, gradient) in trainer.gradients {
      for (half, matrix) in [("A", gradient.a), ("B", gradient.b)] {
        let key = "base_model.model.\(slots[slot].path).lora_\(half).weight"
        let tensor = try #require(expected[key], "\(key)")
        let matrix = try #require(matrix)
        let wanted = tensor.matrix(rows: matrix.rows, columns: matrix.columns).values
        // 1e-4 of the tensor's largest gradient; where B is zero, A's gradient is zero.
        #expect(firstDifference(matrix.values, wanted, atol: 1e-6, rtol: 1e-4) == nil, "\(key)")
      }
    }
  }

  @Test("twenty losses to 1e-4, and A and B to 1e-3", arguments: cases, [2048, 16])
  func wholeRun(name: String, maximumRows: Int) throws {
    let run = try PEFTRun(name)
    let trainer = run.trainer(maximumRows: maximumRows)
    for (index, batch) in run.batches.enumerated() {
      let report = try trainer.step(batch, rate: run.rates[index])
      let expected = run.losses[index]
      #expect(abs(report.loss - expected) <= 1e-4 * abs(expected), "loss of step \(index)")
      let norm = run.norms[index]
      #expect(abs(report.gradientNorm - norm) <= 1e-3 * norm, "norm of step \(index)")
    }
    let expected = try run.deltas("final")
    let trained = trainer.deltas
    #expect(trained.keys.sorted() == expected.keys.sorted())
    for (slot, delta) in expected {
      let path = run.model.slots.slots[slot].path
      let (a, b) = (trained[slot]?.a.values ?? [], trained[slot]?.b.values ?? [])
      #expect(firstDifference(a, delta.a.values, rtol: 1e-3) == nil, "A of \(path)")
      #expect(firstDifference(b, delta.b.values, rtol: 1e-3) == nil, "B of \(path)")
    }
  }

  @Test("recomputed blocks give the same bits", arguments: cases)
  func recomputed(name: String) throws {
    let run = try PEFTRun(name)
    let (kept, again) = (run.trainer(), run.trainer(recomputing: true))
    for (index, batch) in run.batches.prefix(6).enumerated() {
      let (one, two) = (
        try kept.step(batch, rate: run.rates[index]), try again.step(batch, rate: run.rates[index])
      )
      #expect(one == two)
    }
  }

  @Test("logits with the trained adapter", arguments: cases)
  func logits(name: String) throws {
    let run = try PEFTRun(name)
    let expected = try SafetensorsFile.open(path: run.url("logits.safetensors").path)
    let sequences = try run.goldenSequences()
    let deltas = try run.deltas("final")
    let tape = Tape(pool: WorkerPool(threads: 1), recycler: BufferRecycler(), recording: false)
    let batch = RaggedBatch(sequences: sequences)
    let applied = ResidentUpdates(AdapterUpdates(lowRank: deltas), for: run.model)
      .applied(to: 0..<batch.rowCount)
    let hidden = try run.model.hiddenStates(batch, updates: applied, on: tape)
    let logits = run.model.logits(hidden, updates: applied, on: tape).value
    for (index, segment) in batch.segments.enumerated() {
      let tensor = try #require(expected["final.\(index)"])
      let wanted = tensor.matrix(rows: tensor.shape[0], columns: tensor.shape[1])
      for (row, place) in segment.rows.enumerated() {
        let difference = firstDifference(
          logits.rows(place..<place + 1).values, wanted.rows(row..<row + 1).values, rtol: 1e-4)
        #expect(difference == nil, "sequence \(index), row \(row)")
      }
    }
  }
}

/// One fixture: the base, the settings, the batches, and what PEFT made of them.
struct PEFTRun {
  let name: String
  let model: Model
  let batches: [[TrainingSequence]]
  let losses: [Double]
  let norms: [Double]
  let rates: [Float]
  private let facts: JSONValue
  private let settings: JSONValue
  private let base: String

  init(_ name: String) throws {
    self.name = name
    facts = try JSONValue(
      parsing: try Fixtures.data("models/training/\(name)/golden.json"), maximumDepth: 16)
    base = try #require(facts["base"]?.stringValue)
    settings = try #require(facts["settings"])
    model = try Model.load(try Checkpoint.open(path: Fixtures.url("models/\(base)").path))
    batches = (facts["batches"]?.arrayValue ?? []).map { batch in
      (batch.arrayValue ?? []).map { sequence in
        TrainingSequence(
          tokens: PEFTRun.integers(sequence["ids"]).map(Int32.init),
          isTarget: PEFTRun.integers(sequence["counted"]).map { $0 == 1 }, line: 0)
      }
    }
    losses = PEFTRun.numbers(facts["losses"])
    norms = PEFTRun.numbers(facts["gradientNorms"])
    rates = PEFTRun.numbers(facts["learningRates"]).map(Float.init)
    try #require(batches.count == 20 && losses.count == 20 && rates.count == 20)
  }

  func url(_ file: String) -> URL { Fixtures.url("models/training/\(name)/\(file)") }

  func trainer(maximumRows: Int = 2048, recomputing: Bool = false, clips: Bool = true) -> Trainer {
    var trainerSettings = TrainerSettings()
    trainerSettings.weightDecay = Float(settings["weightDecay"]?.doubleValue ?? 0)
    trainerSettings.clip = !clips ? nil : (settings["clip"]?.doubleValue).map { Float($0) }
    trainerSettings.maximumRows = maximumRows
    trainerSettings.recomputesBlocks = recomputing
    if let rateB = settings["learningRateB"]?.doubleValue,
      let rate = settings["learningRate"]?.doubleValue
    {
      trainerSettings.rateRatioB = Float(rateB / rate)
    }
    return Trainer(
      model: model, deltas: (try? deltas("initial")) ?? [:], settings: trainerSettings,
      pool: WorkerPool(threads: 2))
  }

  func goldenSequences() throws -> [[Int32]] {
    let golden = try JSONValue(parsing: try Fixtures.data("models/\(base)/golden.json"))
    return (golden["sequences"]?.arrayValue ?? []).map { PEFTRun.integers($0).map(Int32.init) }
  }

  /// The adapter in `folder`, by slot.
  func deltas(_ folder: String) throws -> [Int: LowRank] {
    let config = try JSONValue(parsing: try Data(contentsOf: url("\(folder)/adapter_config.json")))
    let file = try SafetensorsFile.open(path: url("\(folder)/adapter_model.safetensors").path)
    var result: [Int: LowRank] = [:]
    for (index, slot) in model.slots.slots.enumerated() {
      let key = "base_model.model.\(slot.path)"
      guard let a = file["\(key).lora_A.weight"], let b = file["\(key).lora_B.weight"] else {
        continue
      }
      let rank = a.shape[0]
      let isFirstQuery = slot.path.contains("layers.0.self_attn.q_proj")
      let pattern = isFirstQuery ? config["alpha_pattern"]?.objectValue?.members.first : nil
      let alpha = pattern?.value.doubleValue ?? config["lora_alpha"]?.doubleValue ?? 0
      let isStabilised = config["use_rslora"]?.boolValue ?? false
      result[index] = LowRank(
        a: a.matrix(rows: rank, columns: slot.inputSize),
        b: b.matrix(rows: slot.outputSize, columns: rank),
        scale: Float(alpha / (isStabilised ? Double(rank).squareRoot() : Double(rank))))
    }
    return result
  }

  private static func integers(_ value: JSONValue?) -> [Int] {
    (value?.arrayValue ?? []).compactMap(\.intValue)
  }

  private static func numbers(_ value: JSONValue?) -> [Double] {
    (value?.arrayValue ?? []).compactMap(\.doubleValue)
  }
}
