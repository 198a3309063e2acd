import Adapters
import Checkpoints
import Expect
import JSON
import Models
import Tensors
import Testing
import Training

/// Five steps on SmolLM2-135M-Instruct against PEFT's (`Tests/Fixtures/realbase/make_realbase.py`).
@Suite("RealBase: five training steps agree with PEFT", .serialized)
struct RealBaseTrainingTests {
  @Test("losses, gradient norms and the final A and B")
  func fiveSteps() throws {
    let facts = try JSONValue(parsing: try Fixtures.data("realbase/training.json"))
    let model = try Model.load(try Checkpoint.open(path: RealBase.path))
    let settings = try #require(facts["settings"])
    let trainer = Trainer(
      model: model, deltas: try start(model, settings), settings: trainerSettings(settings),
      pool: WorkerPool())
    let rates = numbers(facts["rates"])
    let losses = numbers(facts["losses"])
    let norms = numbers(facts["gradientNorms"])
    try #require(losses.count == 5 && rates.count == 5 && norms.count == 5)
    for (index, batch) in (facts["batches"]?.arrayValue ?? []).enumerated() {
      let sequences = (batch.arrayValue ?? []).map { sequence in
        TrainingSequence(
          tokens: integers(sequence["ids"]).map(Int32.init),
          isTarget: integers(sequence["counted"]).map { $0 == 1 }, line: 0)
      }
      let report = try trainer.step(sequences, rate: Float(rates[index]))
      #expect(abs(report.loss - losses[index]) <= 1e-4 * losses[index], "loss of step \(index)")
      #expect(
        abs(report.gradientNorm - norms[index]) <= 1e-3 * norms[index], "norm of step \(index)")
    }
    for (slot, delta) in trainer.deltas {
      let path = model.slots.slots[slot].path
      for (key, half, values) in [("finalA", "a", delta.a), ("finalB", "b", delta.b)] {
        let norm = try #require(facts[key]?[path]?.doubleValue)
        #expect(abs(values.sumOfSquares.squareRoot() - norm) <= 1e-3 * norm, "\(key) of \(path)")
        if let sample = facts["samples"]?[path]?[half] {
          let expected = numbers(sample).map { Float($0) }
          let actual = Array(values.values.prefix(expected.count))
          // An entry's error is judged by the tensor's typical entry: AdamW steps are of one size for all.
          let typical = Float(norm / Double(values.count).squareRoot())
          #expect(
            firstDifference(actual, expected, atol: 1e-3 * typical, rtol: 1e-3) == nil,
            "\(half) of \(path)")
        }
      }
    }
  }

  private func trainerSettings(_ settings: JSONValue) -> TrainerSettings {
    var result = TrainerSettings()
    result.weightDecay = Float(settings["weightDecay"]?.doubleValue ?? 0)
    result.clip = Float(settings["clip"]?.doubleValue ?? 0)
    return result
  }

  /// A as the fixture's header says; B is zero.
  private func start(_ model: Model, _ settings: JSONValue) throws -> [Int: LowRank] {
    let rank = try #require(settings["rank"]?.intValue)
    let alpha = try #require(settings["alpha"]?.doubleValue)
    let seed = try #require(settings["seed"]?.intValue)
    var generator = SplitMix64(seed: UInt64(seed))
    var deltas: [Int: LowRank] = [:]
    for (index, slot) in model.slots.slots.enumerated() where slot.kind == .linear {
      let bound = 1 / Float(slot.inputSize).squareRoot()
      let a = Matrix(
        rows: rank, columns: slot.inputSize,
        (0..<rank * slot.inputSize).map { _ in (generator.uniform() * 2 - 1) * bound })
      deltas[index] = LowRank(
        a: a, b: Matrix(repeating: 0, rows: slot.outputSize, columns: rank),
        scale: Float(alpha / Double(rank)))
    }
    return deltas
  }

  private func integers(_ value: JSONValue?) -> [Int] {
    (value?.arrayValue ?? []).compactMap(\.intValue)
  }

  private func numbers(_ value: JSONValue?) -> [Double] {
    (value?.arrayValue ?? []).compactMap(\.doubleValue)
  }
}
