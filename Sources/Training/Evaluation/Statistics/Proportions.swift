import Foundation

/// The 95% interval of a proportion (Wilson, 1927): sensible for few rows and near 0 and 1.
func wilsonInterval(_ hits: Int, of count: Int) -> ClosedRange<Double>? {
  guard count > 0 else { return nil }
  let z = 1.959963984540054  // the normal distribution's 0.975 quantile
  let (n, p) = (Double(count), Double(hits) / Double(count))
  let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
  let reach = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
  return max(0, centre - reach)...min(1, centre + reach)
}

/// The exact p-value of McNemar's test (1947): how often a fair coin splits the rows that only one side has right
/// at least as unevenly.
func mcNemar(onlyFirst: Int, onlySecond: Int) -> Double {
  let count = onlyFirst + onlySecond
  guard count > 0 else { return 1 }
  // Logarithms: the binomial coefficients of some thousand rows overflow.
  let whole = lgamma(Double(count) + 1) - Double(count) * log(2)
  let tail = (0...min(onlyFirst, onlySecond)).reduce(0.0) { sum, hits in
    sum + exp(whole - lgamma(Double(hits) + 1) - lgamma(Double(count - hits) + 1))
  }
  return min(1, 2 * tail)
}
