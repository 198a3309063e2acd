import Adapters
import Digests
import Foundation
import JSON
import Models
import Registry
import Serving
import Tensors
import Training

/// What to compare by, besides what the registry knows.
public struct ComparisonOptions: Sendable {
  /// The data to measure all on; nil takes what the registry kept of all on the same data.
  public var data: String?
  /// How it is measured; nil as the recipe of the first that was trained here says.
  public var evaluation: EvaluationOptions?
  /// Prompts to ask all.
  public var prompts: [String] = []
  /// How they answer.
  public var generation = GenerateOptions()
  /// The base's name, where no adapter tells it.
  public var base: String?

  /// By what the registry knows.
  public init() {}
}

/// What a comparison is at.
public enum ComparisonProgress: Sendable, Equatable {
  /// Answers of one subject to the data.
  case measuring(String, done: Int, total: Int)
  /// Layers of one subject against the first.
  case weighing(String)
  /// Prompts that all have answered.
  case asking(done: Int, total: Int)
}

extension Workspace {
  /// Holds the versions that `references` name (`base` for the base itself) side by side.
  /// - Throws: `WorkspaceError` where there are fewer than two, or two name one version.
  public func compare(
    _ references: [String], options: ComparisonOptions = ComparisonOptions(),
    progress: (ComparisonProgress) -> Void = { _ in }
  ) throws -> Comparison {
    let versions = try references.map(version)
    try Workspace.checkDistinct(references, versions)
    let base = options.base ?? versions.compactMap(\.self).first.map(\.baseName)
    let evaluations = try measure(references, versions, base: base, options, progress)
    let labels = Workspace.labels(versions)
    let subjects = try versions.indices.map { index in
      let (version, evaluation) = (versions[index], evaluations?[index])
      return ComparedSubject(
        reference: version?.reference ?? Workspace.baseReference, label: labels[index],
        version: version, run: try version?.run.map { try registry.run($0) },
        points: try version?.run.map { try registry.points(ofRun: $0) } ?? [],
        evaluation: evaluation, figures: evaluation?.results.figures ?? [])
    }
    let pairs = try subjects.indices.dropFirst().map { index in
      progress(.weighing(subjects[index].reference))
      return try pair(subjects[0], subjects[index], at: index)
    }
    return Comparison(
      subjects: subjects, configuration: try ComparedFact.configuration(subjects),
      lineage: try ComparedFact.lineage(subjects, registry), dataset: evaluations?.first?.dataset,
      pairs: pairs, prompts: try ask(references, base: options.base, options, progress))
  }

  private static func checkDistinct(_ references: [String], _ versions: [VersionRecord?]) throws {
    guard references.count >= 2 else {
      throw WorkspaceError(.badRequest, "one version alone compares with nothing; name two or more")
    }
    for (index, version) in versions.enumerated() {
      guard
        let first = versions[..<index].firstIndex(where: { $0?.reference == version?.reference })
      else { continue }
      throw WorkspaceError(
        .badRequest,
        "'\(references[first])' and '\(references[index])' are both "
          + "\(version?.reference ?? Workspace.baseReference); name two that differ")
    }
  }

  /// `@2` where all are of one adapter, else the whole reference.
  private static func labels(_ versions: [VersionRecord?]) -> [String] {
    let names = Set(versions.compactMap { $0?.adapter })
    return versions.map { version in
      guard let version else { return baseReference }
      return names.count == 1 ? "@\(version.number)" : version.reference
    }
  }

  /// The results of all on the same data: measured where data is given, else what the registry kept.
  private func measure(
    _ references: [String], _ versions: [VersionRecord?], base: String?,
    _ options: ComparisonOptions, _ progress: (ComparisonProgress) -> Void
  ) throws -> [EvaluationOutcome]? {
    guard let data = options.data else {
      return try commonEvaluations(versions, base: base)
    }
    let settings = try options.evaluation ?? evaluationOptions(for: references)
    return try references.map { reference in
      try evaluate(
        reference, data: data, base: reference == Workspace.baseReference ? base : nil,
        options: settings, progress: { progress(.measuring(reference, done: $0, total: $1)) })
    }
  }

  /// The newest evaluations that all have of the same data with the same settings; nil where there is none.
  private func commonEvaluations(_ versions: [VersionRecord?], base: String?) throws
    -> [EvaluationOutcome]?
  {
    struct Key: Hashable { let dataset: Digest, settings: String }
    let kept = try versions.map { version in
      let subject: NewEvaluation.Subject =
        if let version {
          .version(adapter: version.adapter, number: version.number)
        } else {
          .base(try (base.map { try registry.base($0) } ?? onlyBase()).facts.fingerprint)
        }
      // Newest first, so the first of a key is the one to take.
      return Dictionary(
        try registry.evaluations(of: subject).map {
          (Key(dataset: $0.dataset, settings: $0.settings), $0)
        }, uniquingKeysWith: { first, _ in first })
    }
    let newestFirst = kept[0].sorted { $0.value.id > $1.value.id }.map(\.key)
    for key in newestFirst where kept.allSatisfy({ $0[key] != nil }) {
      let outcomes = try kept.compactMap { try $0[key].flatMap(self.kept) }
      if outcomes.count == versions.count { return outcomes }
    }
    return nil
  }

  private func pair(_ first: ComparedSubject, _ other: ComparedSubject, at index: Int) throws
    -> ComparedPair
  {
    var layers: [UpdateComparison] = []
    var whole: [String] = []
    if let one = first.version, let two = other.version, one.base == two.base {
      let base = try openBase(registry.base(one.base), weights: .f32)
      let adapters = try [one, two].map { try registry.adapter($0, on: base) { $0 } }
      layers = try Adapter.compare(adapters[0], adapters[1], pool: pool)
      whole = Set(adapters.flatMap(\.updates.wholeSlots)).sorted()
        .map { base.model.slots.slots[$0].path }
    }
    guard let one = first.evaluation, let two = other.evaluation else {
      return ComparedPair(
        index: index, tests: [], disagreements: [], layers: layers,
        withWholeWeights: whole)
    }
    return ComparedPair(
      index: index, tests: EvaluationResults.compare(one.results, two.results),
      disagreements: ComparedPair.Disagreement.all(one.examples, two.examples), layers: layers,
      withWholeWeights: whole)
  }

  private func ask(
    _ references: [String], base: String?, _ options: ComparisonOptions,
    _ progress: (ComparisonProgress) -> Void
  ) throws -> [ComparedPrompt] {
    var asked: [ComparedPrompt] = []
    for prompt in options.prompts {
      progress(.asking(done: asked.count, total: options.prompts.count))
      asked.append(
        ComparedPrompt(
          prompt: prompt,
          answers: try generate(
            prompt, with: references, base: base, options: options.generation)))
    }
    return asked
  }
}

extension ComparedPair.Disagreement {
  /// The rows of both that only one has right.
  static func all(_ first: [ExampleResult], _ second: [ExampleResult])
    -> [ComparedPair.Disagreement]
  {
    let others = Dictionary(second.map { ($0.line, $0) }, uniquingKeysWith: { $1 })
    return first.compactMap { one in
      guard let other = others[one.line], let isFirst = one.isRight, let isSecond = other.isRight,
        isFirst != isSecond
      else { return nil }
      return ComparedPair.Disagreement(
        line: one.line, question: one.question ?? "", reference: one.reference ?? "",
        first: one.answer ?? "", second: other.answer ?? "", isFirstRight: isFirst)
    }
  }
}
