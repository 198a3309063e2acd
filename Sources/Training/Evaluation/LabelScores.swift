/// Answers and references of a classification task as numbers of labels, so that F1 is quick over many choices of rows.
struct LabelScores: Sendable {
  /// The label that each answer names, -1 for none.
  private let answers: [Int]
  /// The label that each reference names, -1 for none.
  private let references: [Int]
  private let isRight: [Bool]
  private let labelCount: Int

  /// - Parameters:
  ///   - answers: Trimmed answers, as many as there are references.
  ///   - labels: The answers that there are.
  init(answers: [String], references: [String], labels: Set<String>) {
    // Numbered in a fixed order: a set comes in another one in each process, and sums depend on it.
    let numbers = Dictionary(
      uniqueKeysWithValues: labels.sorted().enumerated().map { ($1, $0) })
    self.answers = answers.map { numbers[$0] ?? -1 }
    self.references = references.map { numbers[$0] ?? -1 }
    isRight = zip(answers, references).map(areSame)
    labelCount = numbers.count
  }

  /// The mean over the labels that occur in `rows` of F1 = 2 TP / (2 TP + FP + FN).
  ///
  /// An answer that is no label counts against its reference's recall only.
  func meanF1(over rows: some Sequence<Int>) -> Double {
    var hits = [Int](repeating: 0, count: labelCount)
    var mentions = hits  // 2 TP + FP + FN: once for each side that names the label
    for row in rows {
      let (answer, reference) = (answers[row], references[row])
      if answer >= 0 {
        mentions[answer] += 1
        if isRight[row] { hits[answer] += 1 }
      }
      if reference >= 0 { mentions[reference] += 1 }
    }
    var sum = 0.0
    var present = 0
    for label in 0..<labelCount where mentions[label] > 0 {
      sum += 2 * Double(hits[label]) / Double(mentions[label])
      present += 1
    }
    return present == 0 ? 0 : sum / Double(present)
  }
}
