import Adapters
import Checkpoints
import JSON
import Tensors
import Testing
import Training

/// States of runs that no run has written.
@Suite("Hostile training states") struct TrainingStateTests {
  private func run(
    _ rhythm: TrainingRun.Rhythm = .init(),
    evaluate: (([Int: LowRank]) throws -> Metrics)? = nil
  ) throws -> TrainingRun {
    let golden = try PEFTRun("qwen3-upper-layer")
    let sequences = golden.batches[0]
    return TrainingRun(
      trainer: golden.trainer(), sequences: sequences,
      plan: try BatchPlan(
        lengths: sequences.map(\.tokens.count), size: .examples(1), extent: .epochs(3), seed: 1),
      rate: LearningRate(
        peak: 1e-3, schedule: .linear, warmupSteps: 1, totalSteps: 3 * sequences.count),
      rhythm: rhythm, evaluate: evaluate)
  }

  @Test(
    "facts that contradict each other are refused, and the run is as new",
    arguments: [
      ("step", JSONValue.int(.max)), ("step", 1), ("step", -1), ("epoch", .int(.max)),
      ("epoch", 4), ("position", .int(.max)), ("position", -1), ("trainerStep", .int(.min)),
      ("trainerStep", 5), ("evaluationsSinceBest", -1), ("evaluationsSinceBest", .int(.max)),
      ("generator", "18446744073709551616"), ("version", 2), ("bestStep", 1),
    ] as [(String, JSONValue)])
  func contradictions(key: String, value: JSONValue) throws {
    let file = try SafetensorsFile(parsing: Bytes(stateAfterTwoSteps()))
    let text = try #require(file.metadata["state"])
    var facts = try #require(try JSONValue(parsing: text).objectValue)
    facts[key] = value
    // A best step needs its loss, and its weights.
    if key == "bestStep" { facts["bestLoss"] = "nan" }
    let bytes = SafetensorsFile.write(
      file.tensors, metadata: ["state": JSONValue.object(facts).text(.canonical)])
    let fresh = try run()
    let before = fresh.state()
    let error = #expect(throws: TrainingError.self) { try fresh.restore(bytes) }
    #expect(error?.code == .badCheckpoint, "\(error?.message ?? "")")
    #expect(fresh.state() == before)
  }

  @Test("a run that was stopped after two steps goes on from its state")
  func goesOn() throws {
    let fresh = try run()
    let state = try stateAfterTwoSteps()
    try fresh.restore(state)
    #expect(fresh.step == 2 && fresh.state() == state)
    #expect(try fresh.go(.init(seconds: { 0 })))
  }

  @Test("a state is saved at the rhythm and after the last step, also where that comes early")
  func saves() throws {
    func saved(_ run: TrainingRun) throws -> [Int] {
      var steps: [Int] = []
      let isComplete = try run.go(
        .init(
          save: { step, state in
            #expect(step == run.step && state == run.state())
            steps.append(step)
          }, seconds: { 0 }))
      #expect(isComplete)
      return steps
    }
    var rhythm = TrainingRun.Rhythm()
    let total = try run().totalSteps
    for every in [1, 2, total - 1, total, total + 1] {
      rhythm.checkpointEvery = every
      let due = (1...total).filter { $0 % every == 0 || $0 == total }
      #expect(try saved(run(rhythm)) == due, "every \(every)")
    }
    rhythm.evaluateEvery = 1
    rhythm.patience = 2
    // Without a loss no evaluation is the best.
    #expect(try saved(run(rhythm) { _ in Metrics() }) == [2])
  }

  private func stateAfterTwoSteps() throws -> [UInt8] {
    let run = try run()
    var count = 0
    _ = try run.go(
      .init(
        shouldStop: {
          count += 1
          return count == 2
        }, seconds: { 0 }))
    return run.state()
  }
}
