import Adapters
import Checkpoints
import Expect
import Foundation
import Models
import Tensors
import Testing
import Training

/// The first step of two of the demo's recipes on SmolLM2-135M-Instruct, with prefixes shared and without.
@Suite("RealBase: shared prefixes", .serialized)
struct RealBasePrefixTests {
  @Test(
    "take so many rows less, and give the same loss and gradients",
    arguments: [("intent-kwikemart", 0.4), ("persona-nova", 0.9)])
  func demo(recipe name: String, most: Double) throws {
    let folder = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
    let recipe = try Recipe.load(path: folder.appendingPathComponent("Adapters/\(name)").path)
    let data = try Dataset.load(
      path: recipe.path(of: try #require(recipe.train)), options: recipe.trainingOptions)
    let sequences = try RealBaseMaskTests().encoder(system: recipe.system).encode(
      data, options: recipe.encoderOptions
    ).sequences
    var steps = try recipe.batchPlan(lengths: sequences.map(\.tokens.count)).steps
    let first = steps.next()
    let batch = try #require(first).batches.joined().map { sequences[$0] }

    let model = try Model.load(try Checkpoint.open(path: RealBase.path))
    let pool = WorkerPool()
    let trainers = [true, false].map { shares in
      var settings = recipe.trainerSettings
      settings.sharesPrefixes = shares
      settings.clip = nil
      return Trainer(model: model, deltas: start(model), settings: settings, pool: pool)
    }
    let reports = try trainers.map { try $0.step(batch, rate: 0) }
    let (shared, alone) = (reports[0], reports[1])
    print("\(name): \(shared.rows) rows of \(alone.rows)")
    #expect(Double(shared.rows) <= most * Double(alone.rows))
    #expect(shared.rows + shared.sparedRows == alone.rows)
    #expect(abs(shared.loss - alone.loss) <= 1e-5 * alone.loss)
    let gradients = trainers[0].gradients
    for (slot, wanted) in trainers[1].gradients {
      for (one, other) in [(gradients[slot]?.a, wanted.a), (gradients[slot]?.b, wanted.b)] {
        // Rounding, through 30 layers: 2.6e-5 at most, half of them below 4e-6. The same unshared rows in parts of 100
        // differ from all at once by 1.7e-5.
        let difference = firstDifference(
          try #require(one).values, try #require(other).values, rtol: 5e-5)
        #expect(difference == nil, "\(model.slots.slots[slot].path)")
      }
    }
  }

  private func start(_ model: Model) -> [Int: LowRank] {
    var generator = SplitMix64(seed: 3)
    func random(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(
        rows: rows, columns: columns,
        (0..<rows * columns).map { _ in generator.normal() / Float(columns).squareRoot() })
    }
    var deltas: [Int: LowRank] = [:]
    for (index, slot) in model.slots.slots.enumerated() where slot.kind == .linear {
      deltas[index] = LowRank(
        a: random(16, slot.inputSize), b: random(slot.outputSize, 16), scale: 0.05)
    }
    return deltas
  }
}
