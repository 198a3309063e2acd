import Adapters
import Checkpoints
import Expect
import Foundation
import Models
import Tensors
import Testing
import Training

@Suite("Evaluator")
struct EvaluatorTests {
  private func machine() throws -> (Evaluator, ResidentUpdates, Model) {
    let model = try Model.load(try Checkpoint.open(path: Fixtures.url("models/smollm2").path))
    let evaluator = Evaluator(model: model, pool: WorkerPool(threads: 1))
    return (evaluator, ResidentUpdates(for: model), model)
  }

  @Test("refuses prompts that no answer can follow instead of waiting for one")
  func prompts() throws {
    let (evaluator, updates, model) = try machine()
    func answers(_ prompts: [[Int32]]) throws -> [[Int32]] {
      try evaluator.greedyAnswers(
        to: prompts, updates: updates, stopTokens: [], maximumTokens: 3)
    }
    let context = model.configuration.contextLength
    let error = #expect(throws: TrainingError.self) { try answers([[1], []]) }
    #expect(error?.message.contains("the prompt is empty") == true)
    let full = [Int32](repeating: 1, count: context)
    let long = #expect(throws: TrainingError.self) { try answers([full]) }
    #expect(long?.message.contains("leaves no room for an answer") == true)
    #expect(try answers([[1], Array(full.dropLast())]).map(\.count) == [3, 2])
    #expect(try answers([]).isEmpty)
  }
}
