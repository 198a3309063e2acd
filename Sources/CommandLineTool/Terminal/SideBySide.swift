/// Lines of `text`, wrapped at words to at most `width` columns; a longer word is broken.
package func wrapped(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
    var line = ""
    for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
      if line.isEmpty {
        line = String(word)
      } else if displayWidth(line) + 1 + displayWidth(word) <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = String(word)
      }
      while displayWidth(line) > width, width >= 2 {
        let head = String(line.prefix(fitting(line, width)))
        lines.append(head)
        line.removeFirst(head.count)
      }
    }
    lines.append(line)
  }
  return lines
}

/// How many characters at the start of `text` take at most `width` columns together.
private func fitting(_ text: String, _ width: Int) -> Int {
  var used = 0
  var count = 0
  for character in text {
    used += displayWidth(character)
    if used > width { break }
    count += 1
  }
  return max(1, count)
}

/// Texts in columns beside each other, each under its title, as lines of at most `width` columns.
package func sideBySide(_ blocks: [(title: String, text: String)], width: Int) -> [String] {
  guard !blocks.isEmpty else { return [] }
  let gap = 3
  let column = (width - gap * (blocks.count - 1)) / blocks.count
  let columns = blocks.map { block in
    [truncated(block.title, to: column), String(repeating: "─", count: column)]
      + wrapped(block.text, width: column)
  }
  let height = columns.map(\.count).max() ?? 0
  return (0..<height).map { row in
    var line = ""
    for (index, lines) in columns.enumerated() {
      let cell = row < lines.count ? lines[row] : ""
      let padding = String(repeating: " ", count: max(0, column - displayWidth(cell)))
      line += cell + (index < columns.count - 1 ? padding + String(repeating: " ", count: gap) : "")
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
