import Expect
import Foundation
import Testing
import Training

@Suite("LearningRate")
struct LearningRateTests {
  struct Golden: Decodable {
    var schedule: String
    var warmup: Int
    var total: Int
    var factors: [Double]
  }

  @Test("gives the factors of transformers' schedules")
  func goldens() throws {
    let goldens = try JSONDecoder().decode(
      [Golden].self, from: try Fixtures.data("training/schedules.json"))
    #expect(goldens.count == 18)
    for golden in goldens {
      let schedule = try #require(LearningRate.Schedule(rawValue: golden.schedule))
      let rate = LearningRate(
        peak: 1, schedule: schedule, warmupSteps: golden.warmup, totalSteps: golden.total)
      for (step, factor) in golden.factors.enumerated() {
        #expect(
          abs(rate.value(at: step) - factor) < 1e-12,
          "\(golden.schedule), \(golden.warmup) of \(golden.total) warm-up, step \(step)")
      }
    }
  }
}
