import Tensors

/// Draws rows with replacement, again and again, to see how far a figure may move by chance (Efron, 1979).
struct Bootstrap {
  /// Rows to draw from.
  let rows: Int
  /// Where chance starts.
  let seed: UInt64

  /// Draws in all that are worth the wait: a second or two.
  private static let budget = 20_000_000

  /// How often rows are drawn.
  var resamples: Int { max(1_000, min(10_000, Bootstrap.budget / max(1, rows))) }

  /// The values of `statistic` over each draw of rows, sorted; draws that have none are left out.
  func values(of statistic: ([Int]) -> Double?) -> [Double] {
    guard rows > 0 else { return [] }
    var generator = SplitMix64(seed: seed)
    var drawn = [Int](repeating: 0, count: rows)
    var values: [Double] = []
    for _ in 0..<resamples {
      for index in drawn.indices {
        drawn[index] = Int(((generator.next() >> 32) * UInt64(rows)) >> 32)
      }
      if let value = statistic(drawn) { values.append(value) }
    }
    return values.sorted()
  }
}

/// The middle 95% of sorted `values`; nil where there is none.
func middle(of values: [Double]) -> ClosedRange<Double>? {
  guard let last = values.indices.last else { return nil }
  func quantile(_ part: Double) -> Double { values[Int((Double(last) * part).rounded())] }
  return quantile(0.025)...quantile(0.975)
}

/// How often chance alone gives a difference as far from 0 as the one seen: twice the smaller tail of sorted `values`.
func twoSidedTail(of values: [Double]) -> Double {
  let below = values.count { $0 <= 0 }
  let above = values.count { $0 >= 0 }
  // The sample itself counts as one draw, so that no finite number of draws says "never".
  return min(1, 2 * Double(min(below, above) + 1) / Double(values.count + 1))
}
