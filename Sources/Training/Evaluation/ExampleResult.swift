public import JSON

/// What an evaluation found on one row of the data.
public struct ExampleResult: Sendable, Equatable {
  /// The line of the row, or its number in a JSON list.
  public let line: Int
  /// The losses of its target tokens.
  public var tally = Metrics.TokenTally()
  /// What was asked, its first 500 characters; nil where the row asks nothing.
  public var question: String?
  /// What the model wrote; nil where the row asks nothing.
  public var answer: String?
  /// What it should have written.
  public var reference: String?

  /// A row of which nothing is known yet.
  public init(line: Int) { self.line = line }

  /// Whether the answer is the reference but for white space at the ends; nil where the row asks nothing.
  public var isRight: Bool? {
    guard let answer, let reference else { return nil }
    return areSame(trimmed(answer), trimmed(reference))
  }

  /// The results of the rows, in the order of the lines: losses by sequence, answers by question.
  ///
  /// A row of plain text may have several sequences; their losses are added.
  public static func collect(
    _ sequences: [TrainingSequence], _ tallies: [Metrics.TokenTally], _ questions: [Question],
    _ answers: [String]
  ) -> [ExampleResult] {
    precondition(sequences.count == tallies.count && questions.count == answers.count)
    var rows: [Int: ExampleResult] = [:]
    for (sequence, tally) in zip(sequences, tallies) {
      rows[sequence.line, default: ExampleResult(line: sequence.line)].tally.add(tally)
    }
    for (question, answer) in zip(questions, answers) {
      rows[question.line, default: ExampleResult(line: question.line)].answer = answer
      rows[question.line]?.question = String(question.text.prefix(shownLength))
      rows[question.line]?.reference = question.reference
    }
    return rows.values.sorted { $0.line < $1.line }
  }
}

/// Questions are kept to tell rows apart, not to ask again.
private let shownLength = 500

extension ExampleResult {
  /// The row as the registry keeps it.
  public var json: JSONValue {
    [
      "line": .int(line), "loss": .double(tally.lossSum), "targets": .int(tally.targets),
      "correct": .int(tally.correct), "question": question.map { .string($0) } ?? .null,
      "answer": answer.map { .string($0) } ?? .null,
      "reference": reference.map { .string($0) } ?? .null,
    ]
  }

  /// Reads what `json` wrote; nil where it is something else.
  public init?(json: JSONValue) {
    guard let line = json["line"]?.intValue, let loss = json["loss"]?.doubleValue,
      let targets = json["targets"]?.intValue, let correct = json["correct"]?.intValue
    else { return nil }
    self.init(line: line)
    tally.add(lossSum: loss, targets: targets, correct: correct)
    question = json["question"]?.stringValue
    answer = json["answer"]?.stringValue
    reference = json["reference"]?.stringValue
  }
}
