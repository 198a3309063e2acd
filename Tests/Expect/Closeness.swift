/// The first place where two lists of numbers are further apart than allowed, as a sentence; nil where there is none.
///
/// Close means `|actual - expected| <= atol + rtol * scale`, where `scale` is the largest magnitude in `expected`.
/// A NaN is never close.
public func firstDifference(
  _ actual: [Float], _ expected: [Float], atol: Float = 0, rtol: Float = 0
) -> String? {
  guard actual.count == expected.count else {
    return "\(actual.count) values where \(expected.count) were expected"
  }
  let scale = expected.lazy.map(abs).max() ?? 0
  let bound = atol + rtol * scale
  for (index, pair) in zip(actual, expected).enumerated() where !(abs(pair.0 - pair.1) <= bound) {
    return "element \(index): \(pair.0) where \(pair.1) was expected (bound \(bound))"
  }
  return nil
}
