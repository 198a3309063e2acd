/// A figure that every row of an evaluation has a part in, so that it can be computed over any choice of rows.
public enum Figure: String, Sendable, CaseIterable {
  /// The mean negative log-likelihood of the target tokens; less is better.
  case loss
  /// The part of the target tokens that the model finds likeliest.
  case tokenAccuracy
  /// The part of the answers equal to their references.
  case exactMatch
  /// The same, where references are from a small set.
  case accuracy
  /// The mean F1 over the labels.
  case macroF1
  /// The part of the answers that are JSON.
  case validJSON

  /// Whether a larger value is a better one.
  public var isBetterWhenLarger: Bool { self != .loss }

  /// Whether each row is either right or wrong in it.
  var isCount: Bool { [.exactMatch, .accuracy, .validJSON].contains(self) }
}

/// A figure of one evaluation, row by row.
enum FigureRows: Sendable {
  /// The sum of the numerators over the sum of the denominators.
  case ratio(numerators: [Double], denominators: [Double])
  /// The mean F1 over labels.
  case labels(LabelScores)

  /// The figure's rows in `examples`; nil where they have none.
  init?(_ figure: Figure, _ examples: [ExampleResult], labels: [String]) {
    switch figure {
    case .loss, .tokenAccuracy:
      let denominators = examples.map { Double($0.tally.targets) }
      guard denominators.contains(where: { $0 > 0 }) else { return nil }
      self = .ratio(
        numerators: examples.map { figure == .loss ? $0.tally.lossSum : Double($0.tally.correct) },
        denominators: denominators)
    case .exactMatch, .accuracy, .validJSON:
      guard examples.contains(where: { $0.answer != nil }) else { return nil }
      let hits = examples.map {
        figure == .validJSON ? $0.answer.map { isJSON(trimmed($0)) } : $0.isRight
      }
      self = .ratio(
        numerators: hits.map { $0 == true ? 1 : 0 }, denominators: hits.map { $0 == nil ? 0 : 1 })
    case .macroF1:
      let answers = examples.map { trimmed($0.answer ?? "") }
      let references = examples.map { trimmed($0.reference ?? "") }
      let asked = examples.compactMap { $0.reference.map(trimmed) }
      guard let labels = labelSet(of: asked, given: labels.isEmpty ? nil : labels) else {
        return nil
      }
      self = .labels(LabelScores(answers: answers, references: references, labels: labels))
    }
  }

  /// The figure over `rows`, some of which may come several times; nil where they have no part in it.
  func value(over rows: [Int]) -> Double? {
    switch self {
    case .ratio(let numerators, let denominators):
      var (above, below) = (0.0, 0.0)
      for row in rows {
        above += numerators[row]
        below += denominators[row]
      }
      return below > 0 ? above / below : nil
    case .labels(let scores): return scores.meanF1(over: rows)
    }
  }

  /// How many rows are right, and how many have a part, where the figure counts rows.
  var counts: (right: Int, all: Int)? {
    guard case .ratio(let numerators, let denominators) = self else { return nil }
    return (Int(numerators.reduce(0, +)), Int(denominators.reduce(0, +)))
  }
}
