extension Registry {
  /// Who acts in this task, where that is not whom the registry was opened for.
  @TaskLocal private static var present: String?

  /// Who is written down for what happens now.
  var actor: String { Self.present ?? opener }

  /// Runs `body`, and all that it writes into a registry is `actor`'s: a server says so whose request it serves.
  public func acting<T>(as actor: String, _ body: () throws -> T) rethrows -> T {
    try Self.$present.withValue(actor, operation: body)
  }

  /// Runs `body`, and all that it and its child tasks write into a registry is `actor`'s.
  public func acting<T>(as actor: String, _ body: () async throws -> T) async rethrows -> T {
    try await Self.$present.withValue(actor, operation: body)
  }
}
