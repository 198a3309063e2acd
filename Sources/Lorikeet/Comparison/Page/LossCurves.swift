import Foundation

/// The losses of several trainings over their steps, as one drawing.
struct LossCurves {
  /// A curve with its name.
  struct Curve {
    let label: String
    let colour: String
    let points: [(step: Int, loss: Double)]
  }

  let curves: [Curve]

  private static let (width, height) = (720.0, 260.0)
  private static let (left, bottom, top, right) = (52.0, 34.0, 12.0, 12.0)

  /// The drawing; empty where no curve has two points.
  var markup: String {
    let curves = curves.filter { $0.points.count > 1 }
    let losses = curves.flatMap { $0.points.map(\.loss) }
    guard let high = losses.max(), let last = curves.flatMap({ $0.points.map(\.step) }).max() else {
      return ""
    }
    let ceiling = high > 0 ? high * 1.05 : 1
    func x(_ step: Int) -> Double {
      Self.left + (Self.width - Self.left - Self.right) * Double(step) / Double(max(1, last))
    }
    func y(_ loss: Double) -> Double {
      Self.height - Self.bottom - (Self.height - Self.bottom - Self.top) * max(0, loss) / ceiling
    }
    let ticks = (0...4).map { ceiling * Double($0) / 4 }.map { loss in
      element(
        "line",
        [
          ("class", "grid"), ("x1", place(Self.left)), ("x2", place(Self.width - Self.right)),
          ("y1", place(y(loss))), ("y2", place(y(loss))),
        ])
        + text(digits(loss, 2), x: Self.left - 6, y: y(loss) + 4, anchor: "end")
    }
    let steps = Set([0, last / 2, last]).sorted().map { step in
      text("\(step)", x: x(step), y: Self.height - Self.bottom + 16, anchor: "middle")
    }
    let lines = curves.map { curve in
      let path = curve.points.map { "\(place(x($0.step))),\(place(y($0.loss)))" }
        .joined(separator: " ")
      return element(
        "polyline", [("points", path), ("stroke", curve.colour), ("class", "curve")],
        element("title", [], escaped(curve.label)))
    }
    let title = text("step", x: Self.width - Self.right, y: Self.height - 4, anchor: "end")
    return element(
      "svg",
      [
        ("viewBox", "0 0 \(place(Self.width)) \(place(Self.height))"), ("role", "img"),
        ("aria-label", "training loss over steps"), ("class", "curves"),
      ], (ticks + steps + lines + [title]).joined(separator: "\n"))
  }

  private func text(_ text: String, x: Double, y: Double, anchor: String) -> String {
    element("text", [("x", place(x)), ("y", place(y)), ("text-anchor", anchor)], escaped(text))
  }
}
