/// A table that fits the terminal: numbers to the right, and the widest columns give way.
package struct Table: Sendable {
  /// A column's heading and the side that its cells lean to.
  package struct Column: Sendable {
    /// The heading.
    package var title: String
    /// Whether cells lean to the right, as numbers do.
    package var isNumber: Bool

    /// A column under `title`.
    package init(_ title: String, isNumber: Bool = false) {
      self.title = title
      self.isNumber = isNumber
    }
  }

  private let columns: [Column]
  private var rows: [[String]] = []

  /// A table without rows.
  package init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row: a cell for each column.
  package mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "a table's row has as many cells as columns")
    rows.append(cells.map { harmless($0, keepsLines: false) })
  }

  /// The lines, heading first, none wider than `width` columns where that can be; nil does not cut.
  package func lines(width: Int? = nil) -> [String] {
    var widths = columns.indices.map { index in
      rows.reduce(displayWidth(columns[index].title)) { max($0, displayWidth($1[index])) }
    }
    if let width { fit(&widths, to: width) }
    return ([columns.map(\.title)] + rows).map { line($0, widths) }
  }

  /// Narrows the widest column until all fit: first texts beside the first column, then that, which names the row,
  /// then numbers.
  private func fit(_ widths: inout [Int], to width: Int) {
    let gaps = 2 * (columns.count - 1)
    while widths.reduce(gaps, +) > width {
      let candidates =
        widths.indices.filter { $0 > 0 && !columns[$0].isNumber && widths[$0] > 6 }.nonEmpty
        ?? widths.indices.filter { $0 == 0 && widths[$0] > 8 }.nonEmpty
        ?? widths.indices.filter { widths[$0] > 4 }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
      widths[widest] -= 1
    }
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let text = truncated(cell, to: widths[index])
      let padding = String(repeating: " ", count: widths[index] - displayWidth(text))
      if index > 0 { line += "  " }
      line += columns[index].isNumber ? padding + text : text + padding
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}

extension Array {
  fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
