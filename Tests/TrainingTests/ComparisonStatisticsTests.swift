import JSON
import Testing
import Training

/// Expected values from scipy 1.17's `binomtest`: its p-values and its `proportion_ci(method="wilson")`.
@Suite("Statistics of evaluations") struct ComparisonStatisticsTests {
  /// Rows with so many right, a loss of `loss(line)` on 4 tokens each.
  private func rows(_ right: [Bool], loss: (Int) -> Double = { _ in 4 }) -> [ExampleResult] {
    right.enumerated().map { index, isRight in
      var row = ExampleResult(line: index + 1)
      row.tally.add(lossSum: loss(index), targets: 4, correct: isRight ? 4 : 1)
      row.reference = "yes"
      row.answer = isRight ? " yes\n" : "no"
      return row
    }
  }

  private func results(_ examples: [ExampleResult], _ figures: [Figure]) -> EvaluationResults {
    EvaluationResults(examples, figures: figures, labels: ["yes", "no"])
  }

  @Test(
    "the interval of a proportion is Wilson's",
    arguments: [
      (0, 10, 0.0, 0.2775327998628892), (50, 73, 0.5714090676146497, 0.7799637513606277),
      (10, 10, 0.7224672001371107, 1.0),
    ])
  func wilson(hits: Int, count: Int, low: Double, high: Double) throws {
    let right = (0..<count).map { $0 < hits }
    let figure = try #require(results(rows(right), [.exactMatch]).figures.first)
    #expect(abs(figure.value - Double(hits) / Double(count)) < 1e-12)
    #expect(abs(figure.interval.lowerBound - low) < 1e-9, "\(figure.interval)")
    #expect(abs(figure.interval.upperBound - high) < 1e-9, "\(figure.interval)")
  }

  @Test(
    "McNemar's exact test is the binomial test of the rows that only one has right",
    arguments: [(15, 0, 6.103515625e-05), (8, 3, 0.2265625), (5, 5, 1.0), (0, 0, 1.0), (1, 0, 1.0)])
  func mcNemar(onlyFirst: Int, onlySecond: Int, p: Double) throws {
    let both = [Bool](repeating: true, count: 20)
    let first = both + (0..<onlyFirst).map { _ in true } + (0..<onlySecond).map { _ in false }
    let second = both + (0..<onlyFirst).map { _ in false } + (0..<onlySecond).map { _ in true }
    let test = try #require(
      EvaluationResults.compare(
        results(rows(first), [.accuracy]), results(rows(second), [.accuracy])
      ).first)
    #expect(abs(test.pValue - p) < 1e-9, "\(test.pValue)")
    #expect(test.split?.onlyFirst == onlyFirst && test.split?.onlySecond == onlySecond)
  }

  @Test(
    "a loss that is lower on every row is better beyond chance, and its interval holds the truth")
  func bootstrap() throws {
    let right = [Bool](repeating: true, count: 200)
    let first = rows(right) { 4 + Double($0 % 7) }
    let second = rows(right) { 4 + Double($0 % 7) - 0.4 + 0.1 * Double($0 % 3) }
    let test = try #require(
      EvaluationResults.compare(results(first, [.loss]), results(second, [.loss])).first)
    #expect(abs(test.difference + 0.075) < 0.001)
    #expect(test.isSignificant && test.favoursSecond)
    #expect(test.interval.contains(test.difference))
    // The standard error of the mean of 200 differences of deviation 0.0204 is 0.00144.
    let width = test.interval.upperBound - test.interval.lowerBound
    #expect(abs(width - 2 * 1.96 * 0.00144) < 0.0008, "\(width)")
  }

  @Test("chance is not called progress: the same numbers in another order differ by nothing")
  func noise() throws {
    let right = (0..<100).map { $0 % 2 == 0 }
    let first = rows(right) { Double(($0 * 37) % 100) }
    let second = rows(right.reversed()) { Double(((99 - $0) * 37) % 100) }
    let figures: [Figure] = [.loss, .tokenAccuracy, .accuracy, .macroF1]
    let tests = EvaluationResults.compare(results(first, figures), results(second, figures))
    #expect(tests.map(\.figure) == figures)
    for test in tests {
      #expect(!test.isSignificant, "\(test)")
      #expect(abs(test.difference) < 1e-9, "\(test)")
      #expect(test.interval.lowerBound < 0 && test.interval.upperBound > 0, "\(test)")
    }
  }

  @Test("the figures are those of the evaluation, and the same seed gives the same interval")
  func agreement() throws {
    let right = (0..<30).map { $0 % 3 > 0 }
    let examples = rows(right) { Double($0) }
    var metrics = Metrics()
    metrics.record(examples.map(\.tally))
    metrics.record(
      answers: examples.map { $0.answer ?? "" }, references: examples.map { $0.reference ?? "" },
      labels: ["yes", "no"])
    let figures = results(examples, [.loss, .tokenAccuracy, .accuracy, .macroF1]).figures
    #expect(figures == results(examples, [.loss, .tokenAccuracy, .accuracy, .macroF1]).figures)
    let expected = Dictionary(uniqueKeysWithValues: metrics.figures.map { ($0.name, $0.value) })
    for figure in figures {
      let value = try #require(expected[figure.figure.rawValue])
      #expect(abs(figure.value - value) < 1e-12, "\(figure)")
      #expect(figure.interval.contains(figure.value), "\(figure)")
    }
  }

  @Test("only rows that both have are compared")
  func common() throws {
    let first = rows([true, true, false, true])
    let second = Array(rows([true, false, true, true, true]).dropFirst())
    let test = try #require(
      EvaluationResults.compare(results(first, [.accuracy]), results(second, [.accuracy])).first)
    #expect(test.split?.onlyFirst == 1 && test.split?.onlySecond == 1 && test.difference == 0)
  }

  @Test("a row is kept and read back as it was, and something else is not taken for one")
  func rowJSON() {
    var row = rows([true])[0]
    row.question = "Is it?"
    #expect(ExampleResult(json: row.json) == row)
    #expect(ExampleResult(json: ["line": 1, "answer": "x", "reference": "y"]) == nil)
  }
}
