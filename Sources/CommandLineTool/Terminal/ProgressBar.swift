/// The text of one line that tells how far a piece of work is.
///
/// `[=====>    ]  12/30  loss 0.231  412 tok/s  1:03 left`
package struct ProgressLine: Sendable, Equatable {
  /// Pieces done.
  package var done: Int
  /// Pieces in all.
  package var total: Int
  /// Figures, each as it stands: `loss 0.231`.
  package var figures: [String]
  /// Estimated time left, in seconds; nil while there is nothing to go by.
  package var secondsLeft: Double?
  /// What is being done, before the bar.
  package var label: String

  /// A line that tells of `done` pieces in `total`.
  package init(
    done: Int, total: Int, figures: [String] = [], secondsLeft: Double? = nil, label: String = ""
  ) {
    self.done = done
    self.total = total
    self.figures = figures
    self.secondsLeft = secondsLeft
    self.label = label
  }

  /// The line, at most `width` columns: the bar shrinks first and goes at last, then the end is cut.
  package func text(width: Int) -> String {
    let count =
      String(repeating: " ", count: max(0, "\(total)".count - "\(done)".count)) + "\(done)/\(total)"
    var tail = ([count] + figures).joined(separator: "  ")
    if let secondsLeft { tail += "  \(clockDuration(seconds: secondsLeft)) left" }
    let head = label.isEmpty ? "" : label + "  "
    let room = width - displayWidth(head) - displayWidth(tail) - 4
    guard room >= 5 else { return truncated(head + tail, to: width) }
    return head + "[" + bar(min(room, 30)) + "]  " + tail
  }

  /// The line without a bar, for a log.
  package var plainText: String {
    let head = label.isEmpty ? "" : label + "  "
    var text = head + (["\(done)/\(total)"] + figures).joined(separator: "  ")
    if let secondsLeft, done < total { text += "  \(clockDuration(seconds: secondsLeft)) left" }
    return text
  }

  private func bar(_ width: Int) -> String {
    let fraction = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
    let filled = Int(fraction * Double(width))
    if filled >= width { return String(repeating: "=", count: width) }
    return String(repeating: "=", count: filled) + ">"
      + String(repeating: " ", count: width - filled - 1)
  }
}

/// A progress line on the error stream: one line drawn over itself on a terminal, a line now and then elsewhere.
package final class ProgressBar {
  private let console: Console
  private let linesInAll: Int
  private var drawn: ContinuousClock.Instant?
  private var isDrawn = false
  private var lastLine = -1

  /// A bar that, off a terminal, writes about `linesInAll` lines.
  package init(_ console: Console, linesInAll: Int = 20) {
    self.console = console
    self.linesInAll = linesInAll
  }

  /// Shows `line`, where it is time to.
  package func show(_ line: ProgressLine) {
    guard console.showsProgress else { return }
    if console.errorWidth != nil {
      let now = ContinuousClock.now
      if let drawn, now - drawn < .milliseconds(80), line.done < line.total { return }
      drawn = now
      draw(line)
    } else {
      let share = line.total > 0 ? line.done * linesInAll / line.total : line.done
      guard share != lastLine || line.done == line.total else { return }
      lastLine = share
      console.note(line.plainText)
    }
  }

  /// Clears the line, so that something else may be written.
  package func clear() {
    guard isDrawn else { return }
    console.error("\r\u{1B}[K")
    isDrawn = false
  }

  /// Writes a line of its own above the bar.
  package func note(_ text: String) {
    clear()
    console.note(text)
  }

  private func draw(_ line: ProgressLine) {
    guard let width = console.errorWidth else { return }
    console.error("\r" + line.text(width: width - 1) + "\u{1B}[K")
    isDrawn = true
  }
}
