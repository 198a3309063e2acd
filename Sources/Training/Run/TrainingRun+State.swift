import Adapters
import Autograd
import Checkpoints
import JSON
import Tensors

/// The state of a run is a safetensors file: parameters and moments as tensors, the rest as JSON in its metadata.
extension TrainingRun {
  /// Everything that the rest of the run depends on.
  public func state() -> [UInt8] {
    var tensors: [StoredTensor] = []
    for parameter in trainer.parameters {
      let name = parameter.stateName
      tensors.append(StoredTensor(name: "value.\(name)", matrix: parameter.variable.value))
      tensors.append(StoredTensor(name: "first.\(name)", matrix: parameter.firstMoment))
      tensors.append(StoredTensor(name: "second.\(name)", matrix: parameter.secondMoment))
    }
    for (slot, delta) in (best?.deltas ?? [:]).sorted(by: { $0.key < $1.key }) {
      tensors.append(StoredTensor(name: "best.\(slot).a", matrix: delta.a))
      tensors.append(StoredTensor(name: "best.\(slot).b", matrix: delta.b))
    }
    return SafetensorsFile.write(tensors, metadata: ["state": facts.text(.canonical)])
  }

  /// Goes back to what `state()` gave.
  /// - Throws: `TrainingError` where the bytes are not a state of this run; the run is then as new.
  public func restore(_ bytes: [UInt8]) throws {
    let file = try SafetensorsFile(parsing: Bytes(bytes))
    guard let text = file.metadata["state"], let facts = try? JSONValue(parsing: text) else {
      throw TrainingError(.badCheckpoint, "the checkpoint does not say where it stands")
    }
    var values: [(Matrix, Matrix)] = []
    for parameter in trainer.parameters {
      let targets = [
        ("value", parameter.variable.value), ("first", parameter.firstMoment),
        ("second", parameter.secondMoment),
      ]
      for (kind, target) in targets {
        values.append((target, try matrix("\(kind).\(parameter.stateName)", like: target, file)))
      }
    }
    try restore(facts: facts, file)
    for (target, value) in values { target.copy(from: value) }
  }

  private func matrix(_ name: String, like target: Matrix, _ file: SafetensorsFile) throws -> Matrix
  {
    guard let tensor = file[name], tensor.dtype == .f32,
      tensor.shape == [target.rows, target.columns]
    else {
      throw TrainingError(
        .badCheckpoint, "the checkpoint has no '\(name)' of \(target.rows) x \(target.columns)")
    }
    return tensor.matrix(rows: target.rows, columns: target.columns)
  }

  /// Counters as decimal text where they may not fit a JSON number.
  private var facts: JSONValue {
    .object([
      "version": 1, "step": .int(cursor.step), "epoch": .int(cursor.epoch),
      "position": .int(cursor.position), "generator": .string(String(cursor.generator.state)),
      "trainerStep": .int(trainer.step), "evaluationsSinceBest": .int(evaluationsSinceBest),
      "stoppedEarly": .bool(stoppedEarly), "bestStep": best.map { .int($0.step) } ?? .null,
      "bestLoss": best.map { .string(String($0.loss)) } ?? .null,
    ])
  }

  private func restore(facts: JSONValue, _ file: SafetensorsFile) throws {
    guard facts["version"]?.intValue == 1, let step = facts["step"]?.intValue,
      let epoch = facts["epoch"]?.intValue, let position = facts["position"]?.intValue,
      let generator = facts["generator"]?.stringValue.flatMap(UInt64.init),
      let trainerStep = facts["trainerStep"]?.intValue,
      let since = facts["evaluationsSinceBest"]?.intValue,
      let stopped = facts["stoppedEarly"]?.boolValue
    else { throw TrainingError(.badCheckpoint, "the checkpoint's facts are incomplete") }
    // Each pass takes a step at least, and each evaluation follows one.
    guard (0...totalSteps).contains(step), trainerStep == step, (0...step).contains(epoch),
      (0...step).contains(since)
    else {
      throw TrainingError(
        .badCheckpoint,
        "the checkpoint contradicts itself: step \(step) of \(totalSteps) (\(trainerStep) updates), pass "
          + "\(epoch), \(since) evaluations since the best; go on from an earlier checkpoint or start anew"
      )
    }
    var best: Best?
    if let bestStep = facts["bestStep"]?.intValue,
      let loss = facts["bestLoss"]?.stringValue.flatMap(Double.init)
    {
      guard (1...max(1, step)).contains(bestStep), loss.isFinite else {
        throw TrainingError(
          .badCheckpoint, "the checkpoint's best is step \(bestStep) with loss \(loss)")
      }
      best = Best(step: bestStep, loss: loss, deltas: try bestDeltas(file))
    }
    var start = plan.start
    start.step = step
    start.epoch = epoch
    start.position = position
    start.generator = SplitMix64(seed: generator)
    _ = try plan.steps(from: start)
    cursor = start
    trainer.step = trainerStep
    evaluationsSinceBest = since
    stoppedEarly = stopped
    self.best = best
  }

  private func bestDeltas(_ file: SafetensorsFile) throws -> [Int: LowRank] {
    var deltas: [Int: LowRank] = [:]
    for (slot, delta) in trainer.deltas {
      deltas[slot] = LowRank(
        a: try matrix("best.\(slot).a", like: delta.a, file).copied(),
        b: try matrix("best.\(slot).b", like: delta.b, file).copied(), scale: delta.scale)
    }
    return deltas
  }
}

extension TrainerParameter {
  /// The parameter's name in a state: slot and half.
  var stateName: String { "\(slot).\(half == .a ? "a" : "b")" }
}
