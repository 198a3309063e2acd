import Adapters
import Foundation
import Lorikeet
import Registry
import Training

/// A comparison in the terminal.
struct ComparisonView {
  private let console: Console
  private let session: Session
  private let comparison: Comparison
  private var subjects: [ComparedSubject] { comparison.subjects }
  private var first: ComparedSubject { subjects[0] }

  init(_ session: Session, _ comparison: Comparison) {
    self.session = session
    console = session.console
    self.comparison = comparison
  }

  /// Tells all of it.
  /// - Parameter examples: Rows to show that only one of a pair has right.
  func tell(examples: Int) {
    console.line(console.bold(subjects.map(\.reference).joined(separator: "  and  ")))
    tell(comparison.configuration, "settings")
    tell(comparison.lineage, "lineage")
    tellFigures()
    for pair in comparison.pairs {
      tell(pair.tests, of: pair)
      tell(pair.disagreements, of: pair, atMost: examples)
      tell(pair.layers, of: pair)
      tellWhole(pair)
    }
    for prompt in comparison.prompts { tell(prompt) }
  }

  /// The facts that differ as a table, and the names of the others.
  private func tell(_ facts: [ComparedFact], _ title: String) {
    guard !facts.isEmpty else { return }
    console.line()
    let different = facts.different
    if !different.isEmpty {
      var table = Table([.init(title.uppercased())] + subjects.map { .init($0.label) })
      for fact in different { table.add([fact.name] + fact.values.map { $0 ?? "-" }) }
      session.tell(table)
    }
    for group in facts.others(subjects.map(\.label)) {
      let names = group.facts.map(\.name)
      let few = names.count <= 8 ? ": " + names.joined(separator: ", ") : "; --json lists them"
      console.line(console.faint("\(counted(names.count, "fact")) \(group.name)" + few))
    }
  }

  private func tellFigures() {
    console.line()
    guard let dataset = comparison.dataset else {
      return console.note(
        "no data that all were measured on; --data FILE measures them on the same rows")
    }
    let file = (dataset.path as NSString).lastPathComponent
    var table = Table(
      [.init("\(counted(dataset.rows, "ROW", plural: "ROWS")) OF \(file)")]
        + subjects.map { .init($0.label) })
    for figure in Figure.allCases {
      let found = subjects.map { $0.figures.first { $0.figure == figure } }
      guard found.contains(where: { $0 != nil }) else { continue }
      let largest = found.compactMap { $0?.value }.max() ?? 1
      let whole = figure == .loss ? largest : 1
      table.add([figure.rawValue] + found.map { $0.map { cell($0, of: whole) } ?? "-" })
    }
    session.tell(table)
  }

  /// `0.685 [0.572, 0.780] █████▍`
  private func cell(_ figure: MeasuredFigure, of whole: Double) -> String {
    let range = figure.interval
    return "\(fixed(figure.value, digits: 3)) [\(fixed(range.lowerBound, digits: 3)), "
      + "\(fixed(range.upperBound, digits: 3))] \(bar(figure.value / max(whole, 1e-30)))"
  }

  private func tell(_ tests: [PairedTest], of pair: ComparedPair) {
    guard !tests.isEmpty else { return }
    console.line()
    console.line(
      console.bold("\(subjects[pair.index].label) against \(first.label), on the same rows"))
    var table = Table([
      .init("FIGURE"), .init("DIFFERENCE", isNumber: true), .init("95% INTERVAL"),
      .init("P", isNumber: true), .init("VERDICT"),
    ])
    for test in tests {
      let range = test.interval
      table.add([
        test.figure.rawValue, signed(test.difference),
        "[\(signed(range.lowerBound)), \(signed(range.upperBound))]", probability(test.pValue),
        verdict(test, pair),
      ])
    }
    session.tell(table)
  }

  private func verdict(_ test: PairedTest, _ pair: ComparedPair) -> String {
    var text =
      test.isSignificant ? (test.favoursSecond ? "better" : "worse") : "no clear difference"
    if let split = test.split {
      text += "; only right: \(first.label) \(split.onlyFirst), "
      text += "\(subjects[pair.index].label) \(split.onlySecond)"
    }
    return text
  }

  private func tell(_ rows: [ComparedPair.Disagreement], of pair: ComparedPair, atMost limit: Int) {
    guard !rows.isEmpty, limit > 0 else { return }
    console.line()
    var table = Table([
      .init("LINE", isNumber: true), .init("QUESTION"), .init("RIGHT ANSWER"), .init(first.label),
      .init(subjects[pair.index].label),
    ])
    for row in rows.prefix(limit) {
      table.add([
        "\(row.line)", row.question, row.reference, (row.isFirstRight ? "✓ " : "  ") + row.first,
        (row.isFirstRight ? "  " : "✓ ") + row.second,
      ])
    }
    session.tell(table)
    guard rows.count > limit else { return }
    console.line(
      console.faint("\(counted(rows.count - limit, "row")) more of this kind; --examples N"))
  }

  /// What the table of the weights cannot show must not look like no difference.
  private func tellWhole(_ pair: ComparedPair) {
    let paths = pair.withWholeWeights
    guard !paths.isEmpty else { return }
    console.note(
      "note: the weights' figures leave out the biases and whole weights of \(counted(paths.count, "layer")): "
        + paths.prefix(3).joined(separator: ", ") + (paths.count > 3 ? ", ..." : ""))
  }

  private func tell(_ layers: [UpdateComparison], of pair: ComparedPair) {
    guard !layers.isEmpty else { return }
    let other = subjects[pair.index].label
    console.line()
    var table = Table([
      .init("WEIGHTS"), .init("LAYERS", isNumber: true),
      .init("NORM \(first.label)", isNumber: true), .init("NORM \(other)", isNumber: true),
      .init("COSINE"), .init("READ OVERLAP"), .init("WRITE OVERLAP"),
    ])
    for group in UpdateComparison.byModule(layers) { table.add(cells(group.name, group.summary)) }
    table.add(cells("all", UpdateComparison.Summary(layers)))
    session.tell(table)
    let blocks = UpdateComparison.byBlock(layers).compactMap(\.summary.cosine)
    if blocks.count > 1 {
      console.line(
        "cosine by block, lowest first  \(sparkline(blocks, width: 40))  "
          + "\(fixed(blocks.min() ?? 0, digits: 2)) to \(fixed(blocks.max() ?? 0, digits: 2))")
    }
  }

  private func cells(_ name: String, _ summary: UpdateComparison.Summary) -> [String] {
    func part(_ value: Double?) -> String {
      value.map { "\(fixed($0, digits: 3)) \(bar($0))" } ?? "-"
    }
    return [
      name, "\(summary.layers)", fixed(summary.firstNorm, digits: 3),
      fixed(summary.secondNorm, digits: 3), part(summary.cosine), part(summary.inputOverlap),
      part(summary.outputOverlap),
    ]
  }

  private func tell(_ asked: ComparedPrompt) {
    console.line()
    console.line(console.bold("> ") + harmless(asked.prompt, keepsLines: false))
    session.show(asked.answers)
  }
}

/// `value` with its sign: `+0.120`.
func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + fixed(value, digits: 3) }
