/// A command line that says something we do not understand: one line, exit code 2.
package struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what to do.
  package var message: String
  /// The command whose help would have said so; empty for the tool's own.
  package var command: String

  /// An error in the use of `command`.
  package init(_ message: String, command: String = "") {
    self.message = message
    self.command = command
  }

  package var description: String {
    let help = command.isEmpty ? "lorikeet --help" : "lorikeet \(command) --help"
    return "\(message) (see '\(help)')"
  }
}
