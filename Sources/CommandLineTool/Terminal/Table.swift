/// A table that fits the terminal: numbers to the right, and the widest and the lightest columns give way.
package struct Table: Sendable {
  /// A column's heading and the side that its cells lean to.
  package struct Column: Sendable {
    /// The heading.
    package var title: String
    /// Whether cells lean to the right, as numbers do.
    package var isNumber: Bool
    /// How much it matters where not all columns fit: the lightest is left out first; nil is there as long as can be.
    package var weight: Int?

    /// A column under `title`.
    package init(_ title: String, isNumber: Bool = false, weight: Int? = nil) {
      self.title = title
      self.isNumber = isNumber
      self.weight = weight
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

  /// The lines, heading first, none wider than `width` columns; nil does not cut.
  package func lines(width: Int? = nil) -> [String] {
    let shown = shown(in: width)
    var widths = natural
    if let width { fit(&widths, of: shown, to: width) }
    return ([columns.map(\.title)] + rows).map { line($0, shown, widths) }
  }

  /// The headings of the columns that `lines` leaves out.
  package func omitted(width: Int?) -> [String] {
    let shown = Set(shown(in: width))
    return columns.indices.filter { !shown.contains($0) }.map { columns[$0].title }
  }

  /// The widths that nothing is cut in.
  private var natural: [Int] {
    columns.indices.map { index in
      rows.reduce(displayWidth(columns[index].title)) { max($0, displayWidth($1[index])) }
    }
  }

  /// The columns that fit into `width`, in their order: those without a weight, then the weightiest in widths that can be
  /// read, then others where there is room.
  private func shown(in width: Int?) -> [Int] {
    guard let width else { return Array(columns.indices) }
    let natural = natural
    var shown = columns.indices.filter { columns[$0].weight == nil }
    while shown.count > 1, Table.total(shown.map { min(natural[$0], least($0)) }) > width {
      shown.removeLast()
    }
    let others = columns.indices.filter { columns[$0].weight != nil }
      .sorted { (columns[$0].weight ?? 0) > (columns[$1].weight ?? 0) }
    for index in others
    where Table.total((shown + [index]).map { min(natural[$0], readable($0)) }) <= width {
      shown.append(index)
    }
    return shown.sorted()
  }

  /// Narrows the widest column until all fit: first those wider than can well be read, then texts beside the first column,
  /// then that, which names the row, then numbers.
  private func fit(_ widths: inout [Int], of shown: [Int], to width: Int) {
    while Table.total(shown.map { widths[$0] }) > width {
      let narrowed = shown.filter { widths[$0] > least($0) }
      let candidates =
        narrowed.filter { widths[$0] > readable($0) }.nonEmpty
        ?? narrowed.filter { $0 > 0 && !columns[$0].isNumber }.nonEmpty
        ?? narrowed.filter { $0 == 0 }.nonEmpty ?? narrowed.nonEmpty
        ?? shown.filter { widths[$0] > 1 }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
      widths[widest] -= 1
    }
  }

  /// The width of columns with what is between them.
  private static func total(_ widths: [Int]) -> Int {
    widths.reduce(0, +) + 2 * max(0, widths.count - 1)
  }

  /// A width in which the cells of a column can well be read; what names the row needs more.
  private func readable(_ index: Int) -> Int { index == 0 ? 36 : 24 }

  /// The width below which a column says nothing.
  private func least(_ index: Int) -> Int {
    index == 0 ? 8 : columns[index].isNumber ? 4 : 6
  }

  private func line(_ cells: [String], _ shown: [Int], _ widths: [Int]) -> String {
    var line = ""
    for index in shown {
      let text = truncated(cells[index], to: widths[index])
      let padding = String(repeating: " ", count: widths[index] - displayWidth(text))
      if index != shown.first { line += "  " }
      line += columns[index].isNumber ? padding + text : text + padding
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}

extension Array {
  fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
