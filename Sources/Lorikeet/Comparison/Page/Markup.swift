import Foundation

/// `text` as it may stand in HTML and SVG, in elements and attributes.
func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case _ where scalar.value < 32 && scalar != "\n" && scalar != "\t": result += "\u{FFFD}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// An element with its content, which is markup already.
func element(_ name: String, _ attributes: [(String, String)] = [], _ content: String = "")
  -> String
{
  let written = attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
  return "<\(name)\(written)>\(content)</\(name)>"
}

/// A table of cells that are markup already.
func table(_ heading: [String], _ rows: [[String]], numbersFrom first: Int = .max) -> String {
  func line(_ cells: [String], _ name: String) -> String {
    element(
      "tr", [],
      cells.enumerated().map { index, cell in
        element(name, index >= first ? [("class", "number")] : [], cell)
      }.joined())
  }
  return element(
    "table", [],
    element("thead", [], line(heading, "th"))
      + element("tbody", [], rows.map { line($0, "td") }.joined(separator: "\n")))
}

/// `value` with so many digits after the point, whatever the locale.
func digits(_ value: Double, _ count: Int = 3) -> String {
  value.isFinite ? String(format: "%.\(count)f", locale: nil, value) : "-"
}

/// A coordinate in a drawing.
func place(_ value: Double) -> String { digits(value, 1) }
