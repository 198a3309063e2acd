import Registry

/// A path, who may take it, and what it does.
struct Route: Sendable {
  /// Who may take a route.
  enum Access: Sendable {
    /// Anybody.
    case open
    /// Who has a key, where there are keys.
    case inference
    /// Who has an admin's key, where there are keys.
    case admin
  }

  let method: String
  /// The path; one that ends with `/` takes everything below it.
  let path: String
  let access: Access
  /// Answers, or returns nil where it answers later by itself.
  let run: @Sendable (HTTPService, Call) throws -> HTTPResponse?

  /// Whether it changes the registry, and may have to wait for other processes that do.
  var isChange: Bool { access == .admin && method != "GET" }

  /// What the log and the metrics call it.
  var name: String { path }

  init(
    _ method: String, _ path: String, _ access: Access = .inference,
    _ run: @escaping @Sendable (HTTPService, Call) throws -> HTTPResponse?
  ) {
    self.method = method
    self.path = path
    self.access = access
    self.run = run
  }

  static let all: [Route] = status + models + completions + tokens + adapters + administration

  /// The route of a request, and what follows its path.
  static func find(_ request: HTTPRequest) throws(APIError) -> (route: Route, rest: String) {
    // A path without the version is a client whose base URL lacks it.
    let path = request.path
    let found = all.filter {
      path == $0.path || ($0.path.hasSuffix("/") && path.hasPrefix($0.path))
    }
    guard let longest = found.map(\.path.count).max() else {
      let advice =
        Route.all.contains { $0.path == "/v1" + path } ? "; did you mean '/v1\(path)'?" : ""
      throw APIError(.notFound, "there is no route '\(abridged(path))'\(advice)", code: "no_route")
    }
    let here = found.filter { $0.path.count == longest }
    let method = request.method == "HEAD" ? "GET" : request.method
    guard let route = here.first(where: { $0.method == method }) else {
      let methods = here.map(\.method)
      var error = APIError(
        .invalidRequest,
        "'\(abridged(path))' takes \(methods.joined(separator: ", ")), not "
          + abridged(request.method),
        status: 405, code: "method_not_allowed")
      error.allowed = methods + (methods.contains("GET") ? ["HEAD"] : [])
      throw error
    }
    return (route, String(path.dropFirst(route.path.count)))
  }
}
