import Foundation

/// A figure over a number that grows, both on logarithmic axes, as an SVG of a few kilobytes.
struct GrowthPlot {
  /// One line: what it is called, and the figure by the number.
  struct Line {
    let title: String
    let points: [(count: Int, value: Double)]
  }

  let title: String
  let lines: [Line]
  /// What grows.
  let countTitle: String
  /// The figure's unit.
  let unit: String
  /// The powers of ten at the ends of both axes.
  let decades: (x: (Double, Double), y: (Double, Double))
  /// What is aimed at, in the figure's unit, the lowest first, and what these bound.
  var bounds: [Double] = []
  var boundsTitle = ""

  private let width = 900.0
  private let height = 520.0
  private let left = 96.0
  private let right = 610.0
  private let top = 60.0
  private let bottom = 460.0

  /// The whole file.
  var svg: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(brief(width)) \(brief(height))" role="img">
    <title>\(title)</title>
    \(style)
    <rect class="page" width="\(brief(width))" height="\(brief(height))" rx="8"/>
    <text class="title" x="\(brief(left))" y="32">\(title)</text>
    \((grid + bounding + drawn).joined(separator: "\n"))
    </svg>

    """
  }

  /// The page has a ground of its own: it can be read on any.
  private var style: String {
    """
    <style>
    text { font: 13px sans-serif; fill: #24292f } .title { font-size: 16px; font-weight: bold }
    .page { fill: #ffffff } .grid { stroke: #d0d7de } .bound { stroke: #6e7781; stroke-dasharray: 5 4 }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round } .lead { stroke-width: 0.8 }
    .number { text-anchor: end } .middle { text-anchor: middle } .small { font-size: 12px }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .page { fill: #0d1117 } .grid { stroke: #30363d } .bound { stroke: #9198a1 }
    }
    </style>
    """
  }

  /// A line for each decade, with its number.
  private var grid: [String] {
    var parts: [String] = []
    for decade in Int(decades.x.0)...Int(decades.x.1) {
      let x = self.x(power(decade))
      parts.append(stroke("grid", x, top, x, bottom))
      parts.append(text("middle", x, bottom + 22, grouped(Int(power(decade)))))
    }
    for decade in Int(decades.y.0)...Int(decades.y.1) {
      let y = self.y(power(decade))
      parts.append(stroke("grid", left, y, right, y))
      parts.append(text("number", left - 8, y + 4, "\(brief(power(decade))) \(unit)"))
    }
    let middle = (left + right) / 2
    return parts + [text("middle", middle, bottom + 46, countTitle)]
  }

  private var bounding: [String] {
    bounds.map { stroke("bound", left, y($0), right, y($0)) }
      + [text("small", left + 6, y(bounds.first ?? 1) + 16, boundsTitle)]
  }

  /// Each line in its colour, with its title beside its end.
  private var drawn: [String] {
    let ends = lines.map { $0.points.last.map { y($0.value) } ?? bottom }
    let places = spread(ends, apart: 17)
    return lines.indices.flatMap { index in
      let line = lines[index]
      let colour = Self.colours[index % Self.colours.count]
      let corners = line.points.map {
        "\(brief(x(Double($0.count)))),\(brief(y($0.value)))"
      }
      let dots = line.points.map { point in
        "<circle cx=\"\(brief(x(Double(point.count))))\" cy=\"\(brief(y(point.value)))\" r=\"3\" "
          + "fill=\"\(colour)\"/>"
      }
      let last = line.points.last?.value ?? 0
      return [
        "<polyline class=\"line\" stroke=\"\(colour)\" points=\"\(corners.joined(separator: " "))\"/>",
        "<path class=\"lead\" stroke=\"\(colour)\" d=\"M\(brief(right + 5)) \(brief(ends[index]))"
          + "L\(brief(right + 22)) \(brief(places[index]))\"/>",
        text("", right + 27, places[index] + 4, "\(line.title): \(brief(last, digits: 2)) \(unit)"),
      ] + dots
    }
  }

  /// Colours that are told apart on light and dark grounds, also by most who do not see all colours.
  private static let colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8250df", "#cf222e",
    "#1a7f37", "#6e7781",
  ]

  /// `places`, moved as little as keeps them `apart`, in the same order.
  private func spread(_ places: [Double], apart: Double) -> [Double] {
    let order = places.indices.sorted { places[$0] < places[$1] }
    var moved = places
    for _ in 0..<200 {
      for (above, below) in zip(order, order.dropFirst()) {
        let lack = apart - (moved[below] - moved[above])
        guard lack > 0 else { continue }
        moved[above] -= lack / 2
        moved[below] += lack / 2
      }
    }
    return moved
  }

  private func x(_ count: Double) -> Double {
    left + (log10(count) - decades.x.0) / (decades.x.1 - decades.x.0) * (right - left)
  }

  private func y(_ value: Double) -> Double {
    let decade = min(max(log10(value), decades.y.0), decades.y.1)
    return bottom - (decade - decades.y.0) / (decades.y.1 - decades.y.0) * (bottom - top)
  }

  private func power(_ decade: Int) -> Double { pow(10, Double(decade)) }

  private func stroke(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double)
    -> String
  {
    "<path class=\"\(kind)\" d=\"M\(brief(x1)) \(brief(y1))L\(brief(x2)) \(brief(y2))\"/>"
  }

  private func text(_ kind: String, _ x: Double, _ y: Double, _ text: String) -> String {
    "<text class=\"\(kind)\" x=\"\(brief(x))\" y=\"\(brief(y))\">\(text)</text>"
  }

  /// Two significant digits where asked for, else at most two after the point.
  private func brief(_ value: Double, digits: Int? = nil) -> String {
    if let digits {
      return value >= 100 ? String(Int(value.rounded())) : String(format: "%.\(digits)g", value)
    }
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }

  private func grouped(_ count: Int) -> String {
    count < 1_000 ? "\(count)" : "\(count / 1_000),\(String(1_000 + count % 1_000).dropFirst())"
  }
}
