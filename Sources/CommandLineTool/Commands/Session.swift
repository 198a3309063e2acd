/// One run of the tool: what was asked for and where to write.
package final class Session {
  /// What was asked for.
  package let arguments: ParsedCommand
  /// Where results and notes go.
  package let console: Console
  /// The environment's variables.
  package let environment: [String: String]

  /// A run of `arguments`.
  package init(_ arguments: ParsedCommand, console: Console, environment: [String: String]) {
    self.arguments = arguments
    self.console = console
    self.environment = environment
  }

  func workspace() throws { throw UsageError("the workspace is still in the making") }
}
