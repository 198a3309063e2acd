public import Adapters
public import Registry
public import Training

/// Versions held side by side; the others are measured against the first.
public struct Comparison: Sendable {
  /// What is compared, in the order given.
  public let subjects: [ComparedSubject]
  /// The adapters' configurations and recipes, key by key.
  public let configuration: [ComparedFact]
  /// Where they come from.
  public let lineage: [ComparedFact]
  /// The data that all were measured on; nil where there is none.
  public let dataset: DatasetRecord?
  /// Each of the others against the first.
  public let pairs: [ComparedPair]
  /// Answers to the prompts that were given.
  public let prompts: [ComparedPrompt]
}

/// One of the versions that are compared, or the bare base.
public struct ComparedSubject: Sendable {
  /// `name@version`, or `base`.
  public let reference: String
  /// A short name, different for each: `@2` where all are of one adapter.
  public let label: String
  /// The version; nil for the base.
  public let version: VersionRecord?
  /// The run that made it.
  public let run: RunRecord?
  /// The run's curve.
  public let points: [RunPoint]
  /// Its results on the common data; nil where there is none.
  public let evaluation: EvaluationOutcome?
  /// Its figures on the common data, with intervals.
  public let figures: [MeasuredFigure]
}

/// One fact of every subject.
public struct ComparedFact: Sendable, Equatable {
  /// What it is: `r`, `seed`, `training data`.
  public let name: String
  /// What each has; nil where it has none.
  public let values: [String?]
  /// Whether two or more can have it, and all of these have the same: a base can have no rank.
  public let isSame: Bool
  /// The place of the only one that can have it, with which there is nothing to compare.
  public let owner: Int?
  /// Whether every subject can have it.
  public let concernsAll: Bool

  /// A fact called `name`.
  /// - Parameter concerns: Whether each of the subjects can have it.
  init(name: String, values: [String?], concerns: [Bool]) {
    self.name = name
    self.values = values
    let concerned = concerns.indices.filter { concerns[$0] }
    owner = concerned.count == 1 ? concerned[0] : nil
    concernsAll = concerned.count == concerns.count
    isSame = concerned.count > 1 && concerned.allSatisfy { values[$0] == values[concerned[0]] }
  }
}

extension [ComparedFact] {
  /// Those that differ between two that can have them.
  package var different: Self { filter { !$0.isSame && $0.owner == nil } }

  /// The others in groups, each with what it has in common: `the same for all`, `of @2 alone`.
  /// - Parameter labels: The subjects' short names.
  package func others(_ labels: [String]) -> [(name: String, facts: Self)] {
    let same = filter(\.isSame)
    let alone = labels.indices.map { index in
      (name: "of \(labels[index]) alone", facts: filter { $0.owner == index })
    }
    let groups =
      [
        (name: "the same for all", facts: same.filter(\.concernsAll)),
        (name: "the same for all that have them", facts: same.filter { !$0.concernsAll }),
      ] + alone
    return groups.filter { !$0.facts.isEmpty }
  }
}

/// One subject against the first.
public struct ComparedPair: Sendable {
  /// The subject's place.
  public let index: Int
  /// What their results on the common data say; empty where there is none.
  public let tests: [PairedTest]
  /// Rows that only one of the two has right, in the order of the lines.
  public let disagreements: [Disagreement]
  /// How their updates lie to each other, layer by layer; empty where one is the base, or the bases differ.
  public let layers: [UpdateComparison]
  /// Layers where either has a whole weight or a bias, which `layers` leaves out: it compares low-rank updates.
  public let withWholeWeights: [String]

  /// A row that only one side has right.
  public struct Disagreement: Sendable, Equatable {
    /// The row's line.
    public let line: Int
    /// What was asked.
    public let question: String
    /// The right answer.
    public let reference: String
    /// What the first said.
    public let first: String
    /// What the other said.
    public let second: String
    /// Whether the first is the one that has it right.
    public let isFirstRight: Bool
  }
}

/// What every subject answers to one prompt.
public struct ComparedPrompt: Sendable {
  /// The prompt.
  public let prompt: String
  /// The answers in the order of the subjects.
  public let answers: [Answer]
}
