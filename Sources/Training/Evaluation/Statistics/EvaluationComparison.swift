/// A figure with the interval that holds it in 95 of 100 draws of such data.
public struct MeasuredFigure: Sendable, Equatable {
  /// Which figure.
  public let figure: Figure
  /// Its value on all rows.
  public let value: Double
  /// The 95% interval: Wilson's where rows are counted, else the bootstrap's.
  public let interval: ClosedRange<Double>
}

/// What two evaluations of the same rows say of each other, so that noise is not called progress.
public struct PairedTest: Sendable, Equatable {
  /// Which figure.
  public let figure: Figure
  /// The second's value less the first's.
  public let difference: Double
  /// The difference's 95% interval by the paired bootstrap.
  public let interval: ClosedRange<Double>
  /// How likely a difference this large is by chance alone: McNemar's exact test where rows are right or wrong, else
  /// the paired bootstrap's.
  public let pValue: Double
  /// Rows that only one side has right; nil where rows are not right or wrong.
  public let split: Split?

  /// Rows on which two evaluations disagree.
  public struct Split: Sendable, Equatable {
    /// Rows that only the first has right.
    public let onlyFirst: Int
    /// Rows that only the second has right.
    public let onlySecond: Int
  }

  /// Whether chance alone is an unlikely cause, at 5 in 100.
  public var isSignificant: Bool { pValue < 0.05 }

  /// Whether the second is the better one of the two by this figure.
  public var favoursSecond: Bool { figure.isBetterWhenLarger == (difference > 0) }
}

/// The results of one evaluation, ready to be compared with another's of the same rows.
public struct EvaluationResults: Sendable {
  /// The rows, in the order of the lines.
  public let examples: [ExampleResult]
  private let rows: [Figure: FigureRows]
  private let labels: [String]
  private let seed: UInt64

  /// - Parameters:
  ///   - figures: Those that the evaluation has.
  ///   - labels: The answers of a classification, where the recipe names them.
  ///   - seed: Where the bootstrap's chance starts: results of one seed draw the same rows.
  public init(
    _ examples: [ExampleResult], figures: [Figure], labels: [String] = [], seed: UInt64 = 42
  ) {
    self.examples = examples
    self.labels = labels
    self.seed = seed
    var rows: [Figure: FigureRows] = [:]
    for figure in figures { rows[figure] = FigureRows(figure, examples, labels: labels) }
    self.rows = rows
  }

  /// The figures in the order in which they are told, each with its interval.
  public var figures: [MeasuredFigure] {
    let all = Array(examples.indices)
    return Figure.allCases.compactMap { figure in
      guard let rows = rows[figure], let value = rows.value(over: all) else { return nil }
      let interval =
        if figure.isCount, let counts = rows.counts {
          wilsonInterval(counts.right, of: counts.all)
        } else {
          middle(of: Bootstrap(rows: all.count, seed: seed).values(of: rows.value))
        }
      return MeasuredFigure(figure: figure, value: value, interval: interval ?? value...value)
    }
  }

  /// Only the rows whose lines `other` has too.
  public func common(with other: EvaluationResults) -> EvaluationResults {
    let lines = Set(other.examples.map(\.line))
    guard !examples.allSatisfy({ lines.contains($0.line) }) else { return self }
    return EvaluationResults(
      examples.filter { lines.contains($0.line) }, figures: Array(rows.keys),
      labels: labels, seed: seed)
  }

  /// `second` against `first` on the rows that both have, figure by figure.
  public static func compare(_ first: EvaluationResults, _ second: EvaluationResults)
    -> [PairedTest]
  {
    let (first, second) = (first.common(with: second), second.common(with: first))
    let all = Array(first.examples.indices)
    return Figure.allCases.compactMap { figure in
      guard let one = first.rows[figure], let other = second.rows[figure] else { return nil }
      func difference(_ rows: [Int]) -> Double? {
        guard let before = one.value(over: rows), let after = other.value(over: rows) else {
          return nil
        }
        return after - before
      }
      guard let seen = difference(all) else { return nil }
      let drawn = Bootstrap(rows: all.count, seed: first.seed).values(of: difference)
      let split = figure.isCount ? first.split(from: second, figure) : nil
      return PairedTest(
        figure: figure, difference: seen, interval: middle(of: drawn) ?? seen...seen,
        pValue: split.map { mcNemar(onlyFirst: $0.onlyFirst, onlySecond: $0.onlySecond) }
          ?? twoSidedTail(of: drawn), split: split)
    }
  }

  /// The rows that only one of the two has right in `figure`.
  private func split(from other: EvaluationResults, _ figure: Figure) -> PairedTest.Split? {
    guard case .ratio(let mine, _) = rows[figure], case .ratio(let theirs, _) = other.rows[figure]
    else { return nil }
    let pairs = zip(mine, theirs)
    return PairedTest.Split(
      onlyFirst: pairs.count { $0 > $1 }, onlySecond: pairs.count { $0 < $1 })
  }
}
