import Foundation
import JSON

/// What an evaluation found. A figure is nil where it does not apply.
public struct Metrics: Sendable, Equatable {
  /// The mean negative log-likelihood of the target tokens, in nats.
  public var loss: Double?
  /// The part of the target tokens that the model finds likeliest, in [0, 1].
  public var tokenAccuracy: Double?
  /// The part of the answers equal to their references but for white space at the ends, in [0, 1].
  public var exactMatch: Double?
  /// The part of the answers with the right label, where references are from a small set, in [0, 1].
  public var accuracy: Double?
  /// The mean F1 over the labels, where references are from a small set, in [0, 1].
  public var macroF1: Double?
  /// The part of the answers that are JSON, where all references are JSON objects or arrays.
  public var validJSON: Double?

  /// No figures.
  public init() {}

  /// `exp(loss)`, or nil where there is no loss or the result is too large to write.
  public var perplexity: Double? {
    guard let loss else { return nil }
    let value = exp(loss)
    return value.isFinite ? value : nil
  }

  private static let all: [(name: String, value: @Sendable (Metrics) -> Double?)] = [
    ("loss", { $0.loss }), ("perplexity", { $0.perplexity }),
    ("tokenAccuracy", { $0.tokenAccuracy }), ("exactMatch", { $0.exactMatch }),
    ("accuracy", { $0.accuracy }), ("macroF1", { $0.macroF1 }), ("validJSON", { $0.validJSON }),
  ]

  /// The names of all figures in the order in which they are told.
  public static let names = all.map(\.name)

  /// Names and values in that order; absent figures are left out.
  public var figures: [(name: String, value: Double)] {
    Metrics.all.compactMap { entry in entry.value(self).map { (name: entry.name, value: $0) } }
  }
}

extension Metrics {
  /// Sums over target tokens, taken in batch by batch.
  public struct TokenTally: Sendable, Equatable {
    /// The sum of the losses of the target tokens.
    public private(set) var lossSum = 0.0
    /// Target tokens seen.
    public private(set) var targets = 0
    /// Target tokens that the model found likeliest.
    public private(set) var correct = 0

    /// Nothing seen yet.
    public init() {}

    /// Takes in a batch: the sum of its losses, its target tokens and how many were foreseen.
    public mutating func add(lossSum: Double, targets: Int, correct: Int) {
      self.lossSum += lossSum
      self.targets += targets
      self.correct += correct
    }

    /// Takes in another tally.
    public mutating func add(_ other: TokenTally) {
      add(lossSum: other.lossSum, targets: other.targets, correct: other.correct)
    }
  }

  /// Takes loss and token accuracy from `tallies`, added in order; nothing changes where they saw no target.
  public mutating func record(_ tallies: [TokenTally]) {
    var tally = TokenTally()
    for part in tallies { tally.add(part) }
    guard tally.targets > 0 else { return }
    loss = tally.lossSum / Double(tally.targets)
    tokenAccuracy = Double(tally.correct) / Double(tally.targets)
  }

  /// Compares greedy answers with their references, each to each.
  /// - Parameters:
  ///   - answers: What the model wrote, as many as there are references.
  ///   - references: What it should have written.
  ///   - labels: The answers that there are, where the recipe names them.
  public mutating func record(answers: [String], references: [String], labels: [String]? = nil) {
    precondition(answers.count == references.count, "Metrics: answers and references differ")
    guard !answers.isEmpty else { return }
    let answers = answers.map(trimmed)
    let references = references.map(trimmed)
    exactMatch = part(of: zip(answers, references), where: areSame)
    if references.allSatisfy(isJSONContainer) {
      validJSON = part(of: answers, where: isJSON)
    }
    if let labels = labelSet(of: references, given: labels) {
      accuracy = exactMatch
      macroF1 = LabelScores(answers: answers, references: references, labels: labels)
        .meanF1(over: answers.indices)
    }
  }
}

/// At most this many different references make a classification task.
private let maximumLabels = 32

/// The labels of a classification task, or nil where the references are no small set.
///
/// They are the recipe's where it names some; else the different references where there are at most
/// 32 of them, seen twice each on average, and they are not JSON objects or arrays.
func labelSet(of references: [String], given labels: [String]?) -> Set<String>? {
  if let labels, !labels.isEmpty { return Set(labels.map(trimmed)) }
  let distinct = Set(references)
  guard distinct.count <= maximumLabels, references.count >= 2 * distinct.count,
    !references.allSatisfy(isJSONContainer)
  else { return nil }
  return distinct
}

/// Whether two texts have the same bytes: Swift's `==` takes "é" and "e" with an accent for one.
func areSame(_ one: String, _ other: String) -> Bool {
  one.utf8.elementsEqual(other.utf8)
}

func trimmed(_ text: String) -> String {
  text.trimmingCharacters(in: .whitespacesAndNewlines)
}

private func part<Items: Sequence>(
  of items: Items, where condition: (Items.Element) -> Bool
) -> Double {
  var count = 0
  var fulfilled = 0
  for item in items {
    count += 1
    if condition(item) { fulfilled += 1 }
  }
  return count == 0 ? 0 : Double(fulfilled) / Double(count)
}

func isJSONContainer(_ text: String) -> Bool {
  (text.hasPrefix("{") || text.hasPrefix("[")) && isJSON(text)
}

func isJSON(_ text: String) -> Bool {
  (try? JSONValue(parsing: text)) != nil
}
