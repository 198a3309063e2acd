/// A command: what it is called and takes, and what it does.
package struct Command: Sendable {
  /// Its name, arguments and help.
  package let spec: CommandSpec
  /// Does it.
  package let run: @Sendable (Session) throws -> ExitCode

  /// A command that ends well unless it throws.
  package init(_ spec: CommandSpec, _ run: @escaping @Sendable (Session) throws -> Void) {
    self.spec = spec
    self.run = { session in
      try run(session)
      return .done
    }
  }

  /// A command that says how it ended.
  package init(ending spec: CommandSpec, _ run: @escaping @Sendable (Session) throws -> ExitCode) {
    self.spec = spec
    self.run = run
  }
}
