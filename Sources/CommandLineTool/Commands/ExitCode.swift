/// How a command ended, as the shell sees it.
package enum ExitCode: Int32, Sendable {
  case done = 0
  /// Something is wrong with the data: a file, a registry, a model.
  case data = 1
  /// Something is wrong with the command line.
  case usage = 2
  /// Ctrl-C: 128 + SIGINT, as shells say it.
  case interrupted = 130
}
