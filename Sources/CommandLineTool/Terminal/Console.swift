import Glibc
package import JSON

/// Where a command writes: results to the output, everything said on the way to the error stream.
package final class Console {
  /// What the streams are, and what the person asked for.
  package struct Facts: Sendable {
    /// Columns of the output where it is a terminal.
    package var outputWidth: Int?
    /// Columns of the error stream where it is a terminal.
    package var errorWidth: Int?
    /// Whether a person types at the input.
    package var inputIsTerminal = false
    /// Whether `NO_COLOR` (no-color.org) or `TERM=dumb` forbids colours.
    package var forbidsColour = false

    /// Streams that are files.
    package init() {}
  }

  /// What the streams are.
  package let facts: Facts
  /// Whether results are JSON.
  package var json = false
  /// Whether only results and errors are written.
  package var quiet = false
  /// Whether the person asked for no colours.
  package var plain = false

  /// Whether a part of a result could not be written.
  package private(set) var hasLostOutput = false

  private let writeOutput: (String) -> Bool
  private let writeError: (String) -> Void

  /// A console over two sinks.
  /// - Parameter output: Says whether it could write.
  package init(
    facts: Facts = Facts(), output: @escaping (String) -> Bool, error: @escaping (String) -> Void
  ) {
    self.facts = facts
    writeOutput = output
    writeError = error
  }

  /// Columns that results may take; nil where they go to a file.
  package var width: Int? { facts.outputWidth }
  /// Columns of the error stream where it is a terminal.
  package var errorWidth: Int? { facts.errorWidth }
  /// Whether progress is shown.
  package var showsProgress: Bool { !quiet && !json }
  private var usesColour: Bool { width != nil && !plain && !facts.forbidsColour }

  /// Writes a part of a result as it is.
  package func write(_ text: String) {
    if !writeOutput(text) { hasLostOutput = true }
  }
  /// Writes a line of a result.
  package func line(_ text: String = "") { write(text + "\n") }
  /// Writes a table, fitted to the terminal.
  package func table(_ table: Table) {
    for (index, text) in table.lines(width: width).enumerated() {
      line(index == 0 ? faint(text) : text)
    }
  }
  /// Writes a JSON document for a result.
  package func result(_ value: JSONValue) { line(value.text(.pretty)) }
  /// Writes a JSON document on one line: an event.
  package func event(_ value: JSONValue) { line(value.text(.compact)) }
  /// Writes to the error stream as it is.
  package func error(_ text: String) { writeError(text) }
  /// Says something on the way; silent with `--quiet`.
  package func note(_ text: String) {
    if !quiet { writeError(text + "\n") }
  }

  /// `text` so that a terminal shows it bold.
  package func bold(_ text: String) -> String { styled(text, "1") }
  /// `text` so that a terminal shows it faint.
  package func faint(_ text: String) -> String { styled(text, "2") }
  /// `text` in one of the colours that tell answers apart.
  package func coloured(_ text: String, _ index: Int) -> String {
    styled(text, ["36", "33", "35", "32", "34"][index % 5])
  }

  private func styled(_ text: String, _ code: String) -> String {
    usesColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}

extension Console {
  /// The console of this process.
  package static func process(environment: [String: String]) -> Console {
    var facts = Facts()
    facts.outputWidth = terminalWidth(STDOUT_FILENO, environment)
    facts.errorWidth = terminalWidth(STDERR_FILENO, environment)
    facts.inputIsTerminal = isatty(STDIN_FILENO) == 1
    facts.forbidsColour =
      !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
    return Console(
      facts: facts, output: { writeAll($0, to: STDOUT_FILENO) },
      error: { _ = writeAll($0, to: STDERR_FILENO) })
  }

  /// Columns of the terminal behind `descriptor`, or nil where it is no terminal.
  private static func terminalWidth(_ descriptor: Int32, _ environment: [String: String]) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    if unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
  }

  /// Writes all of `text`; whether that was possible.
  static func writeAll(_ text: String, to descriptor: Int32) -> Bool {
    let bytes = Array(text.utf8)
    return unsafe bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        let count = unsafe Glibc.write(
          descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
        if count < 0, errno != EINTR { return false }
        offset += max(0, count)
      }
      return true
    }
  }
}
