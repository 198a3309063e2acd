import Expect
import Foundation
import Tensors
import Testing

extension KernelVariantTests {
  @Suite("What choosing a token reads of logits")
  struct RankingTests {
    @Test("is the same in every variant", arguments: [1, 15, 64, 1000, 4096, 9001])
    func reads(count: Int) {
      var generator = SplitMix64(seed: UInt64(count))
      var values = (0..<count).map { _ in 4 * generator.normal() }
      values[count / 2] = 9
      if count > 3 { values[1] = .nan }
      if count > 2 { values[2] = -.infinity }
      let matrix = Matrix(rows: 1, columns: count, values)
      underEachVariant { variant in
        for (low, high) in [(-1, 1), (-Float.infinity, .infinity), (0, 9), (9, .infinity), (20, 1)]
          as [(Float, Float)]
        {
          let expected = values.indices.filter { values[$0] > low && values[$0] <= high }
          #expect(matrix.places(above: low, upTo: high).map(Int.init) == expected, "\(variant)")
        }
        for (temperature, low) in [(1, -Float.infinity), (0.5, 0), (3, 8.5)] as [(Float, Float)] {
          let expected = values.filter { $0 > low }.reduce(0) {
            $0 + exp(Double($1 - 9) / Double(temperature))
          }
          let found = matrix.exponentialMass(below: 9, temperature: temperature, above: low)
          #expect(abs(found - expected) < 2e-6 * expected, "\(variant): \(found), \(expected)")
        }
      }
    }
  }
}
