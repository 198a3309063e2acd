import Testing
import Training

@Suite("Metrics")
struct MetricsTests {
  @Test("compares answers without the white space at their ends")
  func exactMatch() {
    var metrics = Metrics()
    metrics.record(
      answers: [" Paris\n", "paris", "Rome"], references: ["Paris", "Paris", "Rome "])
    #expect(metrics.exactMatch == 2.0 / 3)
    #expect(metrics.accuracy == nil)
    #expect(metrics.macroF1 == nil)
    #expect(metrics.validJSON == nil)
  }

  @Test("takes an accent of its own for another text than a letter with an accent")
  func exactBytes() {
    var metrics = Metrics()
    metrics.record(answers: ["caf\u{E9}", "cafe\u{301}"], references: ["caf\u{E9}", "caf\u{E9}"])
    #expect(metrics.exactMatch == 0.5)
  }

  @Test("finds accuracy and macro-F1 where references are from a small set")
  func classification() {
    var metrics = Metrics()
    metrics.record(
      answers: ["a", "a", "b", "b", "c", "nothing"], references: ["a", "b", "b", "b", "a", "c"])
    #expect(metrics.accuracy == 0.5)
    // By hand: F1 of a is 2/4, of b 4/5, of c 0/2; as sklearn's f1_score(labels=["a", "b", "c"]).
    #expect(abs((metrics.macroF1 ?? 0) - (0.5 + 0.8 + 0) / 3) < 1e-12)
  }

  @Test("takes the recipe's labels, and leaves those out that occur nowhere")
  func givenLabels() {
    var metrics = Metrics()
    metrics.record(
      answers: ["x", "y"], references: ["x", "z"], labels: ["x", "y", "z", "unused"])
    #expect(metrics.accuracy == 0.5)
    #expect(abs((metrics.macroF1 ?? 0) - 1.0 / 3) < 1e-12)
  }

  @Test("calls many different references no classification")
  func manyLabels() {
    var metrics = Metrics()
    let references = (0..<33).flatMap { ["label \($0)", "label \($0)"] }
    metrics.record(answers: references, references: references)
    #expect(metrics.exactMatch == 1)
    #expect(metrics.accuracy == nil)
    metrics.record(answers: Array(references[2...]), references: Array(references[2...]))
    #expect(metrics.accuracy == 1)
  }

  @Test("counts answers that are JSON where all references are objects or lists")
  func validJSON() {
    var metrics = Metrics()
    metrics.record(
      answers: ["{\"a\":1}", "{\"a\":", "[1, 2]"], references: ["{\"a\":1}", "{\"a\":1}", "[1,2]"])
    #expect(metrics.validJSON == 2.0 / 3)
    #expect(metrics.exactMatch == 1.0 / 3)
    #expect(metrics.accuracy == nil)
    var numbers = Metrics()
    numbers.record(answers: ["1", "2"], references: ["1", "1"])
    #expect(numbers.validJSON == nil)
    #expect(numbers.accuracy == 0.5)
  }

  @Test("takes loss, perplexity and token accuracy from sums over target tokens")
  func tokens() {
    var tallies = [Metrics.TokenTally(), Metrics.TokenTally()]
    tallies[0].add(lossSum: 3, targets: 4, correct: 2)
    tallies[1].add(lossSum: 5, targets: 4, correct: 4)
    var metrics = Metrics()
    metrics.record(tallies)
    #expect(metrics.loss == 1)
    #expect(abs((metrics.perplexity ?? 0) - 2.718281828459045) < 1e-12)
    #expect(metrics.tokenAccuracy == 0.75)
    #expect(metrics.figures.map(\.name) == ["loss", "perplexity", "tokenAccuracy"])
  }

  @Test("has no figure where nothing was seen")
  func nothing() {
    var metrics = Metrics()
    metrics.record([Metrics.TokenTally()])
    metrics.record(answers: [], references: [])
    #expect(metrics.figures.isEmpty)
  }
}
