import Glibc

/// A base that is cut short while it is mapped, or whose disk fails: reading it then raises SIGBUS.
package enum CutFile {
  /// From now on that signal ends the process with one line and the code for bad data, instead of a crash.
  ///
  /// Nothing else can be done: the thread that reads cannot go on. What the registry has acknowledged is safe, as it is
  /// from any kill.
  package static func catchSignal() {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in CutFile.leave() }
    unsafe sigaction(SIGBUS, &action, nil)
  }

  /// What the handler does: nothing but what signal-safety(7) allows.
  private static func leave() {
    let text: StaticString =
      "lorikeet: a model's file was cut short while it was read, or its disk fails; put it back whole and run again\n"
    _ = unsafe write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    _exit(ExitCode.data.rawValue)
  }
}
