import Adapters
import Models

/// Values by block and module as a field of coloured squares.
struct HeatMap {
  /// What the values are.
  let title: String
  /// The layers in any order; those outside the blocks are left out.
  let layers: [UpdateComparison]
  /// A layer's value; nil leaves its square empty.
  let value: (UpdateComparison) -> Double?

  private static let (cell, left, top) = (18.0, 86.0, 6.0)

  /// The drawing with its legend; empty where there is nothing to draw.
  var markup: String {
    let inside = layers.filter { $0.slot.layer != nil }
    let values = inside.compactMap(value)
    guard let low = values.min(), let high = values.max() else { return "" }
    var modules: [String] = []
    for layer in inside where !modules.contains(layer.module) { modules.append(layer.module) }
    let blocks = (inside.compactMap(\.slot.layer).max() ?? 0) + 1
    let floor = min(0, low)
    let ceiling = max(high, floor + 1e-12)
    var parts = modules.enumerated().map { row, name in
      label(name, x: Self.left - 6, y: Self.top + (Double(row) + 0.7) * Self.cell, anchor: "end")
    }
    for layer in inside {
      guard let block = layer.slot.layer, let row = modules.firstIndex(of: layer.module),
        let value = value(layer)
      else { continue }
      let shade = (value - floor) / (ceiling - floor)
      parts.append(
        element(
          "rect",
          [
            ("x", place(Self.left + Double(block) * Self.cell)),
            ("y", place(Self.top + Double(row) * Self.cell)), ("width", place(Self.cell - 1)),
            ("height", place(Self.cell - 1)), ("fill", colour(shade)),
          ], element("title", [], escaped("\(layer.slot.path): \(digits(value, 4))"))))
    }
    let below = Self.top + Double(modules.count) * Self.cell + 14
    for block in stride(from: 0, to: blocks, by: max(1, blocks / 6)) {
      parts.append(
        label(
          "\(block)", x: Self.left + (Double(block) + 0.5) * Self.cell, y: below, anchor: "middle"))
    }
    let width = Self.left + Double(blocks) * Self.cell + 8
    return element(
      "figure", [],
      element("figcaption", [], escaped("\(title), \(digits(low)) to \(digits(high))"))
        + element(
          "svg",
          [
            ("viewBox", "0 0 \(place(width)) \(place(below + 6))"), ("width", place(width)),
            ("role", "img"), ("aria-label", title),
          ], parts.joined(separator: "\n")))
  }

  private func label(_ text: String, x: Double, y: Double, anchor: String) -> String {
    element("text", [("x", place(x)), ("y", place(y)), ("text-anchor", anchor)], escaped(text))
  }

  /// From a pale to a deep blue-green: lightness alone carries the value, for eyes that see no colours.
  private func colour(_ part: Double) -> String {
    let lightness = 92 - 66 * max(0, min(1, part))
    return "hsl(190, 55%, \(place(lightness))%)"
  }
}
