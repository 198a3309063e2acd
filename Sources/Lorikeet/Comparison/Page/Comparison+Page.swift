import Adapters
import Foundation
import Registry
import Serving
import Training

extension Comparison {
  /// The whole comparison as one HTML page that needs nothing else: no script, no font, no network.
  public var page: String {
    let title = subjects.map(\.reference).joined(separator: " and ")
    let body = [
      element("h1", [], escaped(title)), facts(configuration, "Settings"),
      facts(lineage, "Lineage"), curves, figures, pairs.map(section).joined(), answers,
    ]
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(escaped(title))</title>
      <style>\(styleSheet)</style>
      </head>
      <body>
      \(body.filter { !$0.isEmpty }.joined(separator: "\n"))
      </body>
      </html>

      """
  }

  private func facts(_ facts: [ComparedFact], _ title: String) -> String {
    guard !facts.isEmpty else { return "" }
    let different = facts.different
    func rows(_ facts: [ComparedFact]) -> [[String]] {
      facts.map { [escaped($0.name)] + $0.values.map { escaped($0 ?? "-") } }
    }
    let heading = [""] + subjects.map { escaped($0.label) }
    return element("h2", [], escaped(title))
      + (different.isEmpty ? "" : table(heading, rows(different)))
      + facts.others(subjects.map(\.label)).map { group in
        element(
          "details", [],
          element("summary", [], escaped("\(group.facts.count) \(group.name)"))
            + table(heading, rows(group.facts)))
      }.joined()
  }

  private var curves: String {
    let drawing = LossCurves(
      curves: subjects.indices.map { index in
        LossCurves.Curve(
          label: subjects[index].reference, colour: colour(index),
          points: subjects[index].points.compactMap { point in
            point.loss.map { (step: point.step, loss: $0) }
          })
      }
    ).markup
    guard !drawing.isEmpty else { return "" }
    let legend = subjects.indices.filter { !subjects[$0].points.isEmpty }.map { index in
      element("span", [("style", "color: \(colour(index))")], "■ ")
        + escaped(subjects[index].label)
    }
    return element("h2", [], "Training loss") + drawing
      + element("p", [], legend.joined(separator: " &nbsp; "))
  }

  private func colour(_ index: Int) -> String {
    ["#0b7285", "#d9480f", "#5f3dc4", "#2b8a3e", "#c2255c"][index % 5]
  }

  private var figures: String {
    guard let dataset else { return "" }
    let rows = Figure.allCases.compactMap { figure -> [String]? in
      let found = subjects.map { $0.figures.first { $0.figure == figure } }
      guard found.contains(where: { $0 != nil }) else { return nil }
      let ends = found.compactMap { $0?.interval.upperBound }
      let whole = figure == .loss ? ends.max() ?? 1 : 1
      return [figure.rawValue]
        + found.enumerated().map { index, measured in
          measured.map { interval($0, of: whole, colour(index)) } ?? "-"
        }
    }
    let file = (dataset.path as NSString).lastPathComponent
    return element("h2", [], escaped("Scores on \(dataset.rows) rows of \(file)"))
      + table([""] + subjects.map { escaped($0.label) }, rows)
      + element("p", [("class", "note")], "With 95% intervals.")
  }

  /// A figure and a bar on which its interval lies.
  private func interval(_ figure: MeasuredFigure, of whole: Double, _ colour: String) -> String {
    let width = 140.0
    func x(_ value: Double) -> Double { max(0, min(1, value / max(whole, 1e-30))) * width }
    let range = figure.interval
    let drawing = element(
      "svg", [("width", place(width)), ("height", "14"), ("class", "interval")],
      element(
        "rect",
        [
          ("x", place(x(range.lowerBound))), ("y", "5"), ("height", "4"), ("fill", colour),
          ("width", place(max(1, x(range.upperBound) - x(range.lowerBound)))), ("opacity", "0.45"),
        ])
        + element(
          "circle",
          [("cx", place(x(figure.value))), ("cy", "7"), ("r", "4"), ("fill", colour)]))
    return "\(digits(figure.value)) "
      + element(
        "small", [], "[\(digits(range.lowerBound)), \(digits(range.upperBound))]") + drawing
  }

  private func section(_ pair: ComparedPair) -> String {
    let (first, other) = (subjects[0].label, subjects[pair.index].label)
    var parts: [String] = []
    if !pair.tests.isEmpty { parts.append(tests(pair.tests, first, other)) }
    if !pair.disagreements.isEmpty { parts.append(disagreements(pair.disagreements, first, other)) }
    if !pair.layers.isEmpty { parts.append(weights(pair.layers, first, other)) }
    if !pair.withWholeWeights.isEmpty {
      let paths = pair.withWholeWeights.joined(separator: ", ")
      parts.append(
        element(
          "p", [], escaped("The weights' figures leave out biases and whole weights: \(paths).")))
    }
    guard !parts.isEmpty else { return "" }
    return element("h2", [], escaped("\(other) against \(first)")) + parts.joined(separator: "\n")
  }

  private func tests(_ tests: [PairedTest], _ first: String, _ other: String) -> String {
    table(
      [
        "figure", "difference", "95% interval", "p", "only \(escaped(first)) right",
        "only \(escaped(other)) right", "",
      ],
      tests.map { test in
        let verdict = test.favoursSecond ? "better" : "worse"
        return [
          test.figure.rawValue, digits(test.difference),
          "\(digits(test.interval.lowerBound)) to \(digits(test.interval.upperBound))",
          escaped(probability(test.pValue)), test.split.map { "\($0.onlyFirst)" } ?? "",
          test.split.map { "\($0.onlySecond)" } ?? "",
          test.isSignificant
            ? element("strong", [("class", verdict)], verdict) : "no clear difference",
        ]
      }, numbersFrom: 1)
      + element(
        "p", [("class", "note")],
        "On the same rows: McNemar's exact test where rows are right or wrong, else the paired bootstrap."
      )
  }

  private func disagreements(
    _ rows: [ComparedPair.Disagreement], _ first: String, _ other: String
  ) -> String {
    let shown = rows.prefix(200)
    return element(
      "details", [],
      element("summary", [], "\(rows.count) rows that only one of them has right")
        + table(
          ["line", "question", "right answer", escaped(first), escaped(other)],
          shown.map { row in
            [
              "\(row.line)", escaped(row.question), escaped(row.reference),
              mark(row.first, row.isFirstRight), mark(row.second, !row.isFirstRight),
            ]
          })
        + (rows.count > shown.count ? element("p", [], "The first 200.") : ""))
  }

  private func mark(_ answer: String, _ isRight: Bool) -> String {
    element("span", [("class", isRight ? "better" : "worse")], isRight ? "✓ " : "✗ ")
      + escaped(answer)
  }

  private func weights(_ layers: [UpdateComparison], _ first: String, _ other: String) -> String {
    let groups = UpdateComparison.byModule(layers) + [("all", UpdateComparison.Summary(layers))]
    let rows = groups.map { name, summary in
      [
        escaped(name), "\(summary.layers)", digits(summary.firstNorm), digits(summary.secondNorm),
        summary.cosine.map { digits($0) } ?? "-", summary.inputOverlap.map { digits($0) } ?? "-",
        summary.outputOverlap.map { digits($0) } ?? "-",
      ]
    }
    let maps = [
      HeatMap(title: "Norm of \(first)", layers: layers) { $0.first?.norm },
      HeatMap(title: "Norm of \(other)", layers: layers) { $0.second?.norm },
      HeatMap(title: "Cosine between the updates", layers: layers) { $0.relation?.cosine },
      HeatMap(title: "Overlap of what they read", layers: layers) { $0.relation?.input.overlap },
      HeatMap(title: "Overlap of what they write", layers: layers) { $0.relation?.output.overlap },
    ]
    return element("h3", [], "Weights by module")
      + table(
        [
          "module", "layers", "norm \(escaped(first))", "norm \(escaped(other))", "cosine",
          "read overlap", "write overlap",
        ], rows, numbersFrom: 1) + element("h3", [], "Weights by block (across) and module")
      + element("div", [("class", "maps")], maps.map(\.markup).joined(separator: "\n"))
  }

  private var answers: String {
    guard !prompts.isEmpty else { return "" }
    return element("h2", [], "Answers")
      + table(
        ["prompt"] + subjects.map { escaped($0.label) },
        prompts.map { asked in
          [asked.prompt] + asked.answers.map(\.result.text)
        }.map { $0.map { element("pre", [], escaped($0)) } })
  }

  private var styleSheet: String {
    """

    :root { color-scheme: light dark; --faint: #6b7280; --line: #d5d9e0; --good: #2b8a3e; --bad: #c92a2a; }
    @media (prefers-color-scheme: dark) { :root { --faint: #9aa3b2; --line: #3a4150; --good: #69db7c; --bad: #ff8787; } }
    body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
    h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-top: 1.6rem; }
    table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
    th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    th { color: var(--faint); font-weight: 600; } .number { text-align: right; }
    small, .note, summary, figcaption { color: var(--faint); font-size: .85rem; }
    pre { white-space: pre-wrap; margin: 0; font: inherit; } .better { color: var(--good); } .worse { color: var(--bad); }
    svg text { font: 11px system-ui, sans-serif; fill: var(--faint); } .grid { stroke: var(--line); }
    .curve { fill: none; stroke-width: 1.8; } .curves { width: 100%; max-width: 45rem; } .interval { display: block; }
    .maps { display: flex; flex-wrap: wrap; gap: 1rem 2rem; } figure { margin: 0; max-width: 100%; overflow-x: auto; }

    """
  }
}
