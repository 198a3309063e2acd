import Digests
import Foundation
import JSON
import Lorikeet
import Registry

extension Route {
  /// What the commands `list`, `show`, `history`, `alias`, `promote`, `rollback` and `rm` do, for who holds an admin's key.
  static let administration: [Route] = [
    Route("GET", "/admin/adapters", .admin) { http, call in try http.list(call) },
    Route("GET", "/admin/adapters/", .admin) { http, call in
      try http.checkScope(of: call.rest, for: call)
      return try http.show(call.rest)
    },
    Route("GET", "/admin/history/", .admin) { http, call in
      guard call.opens(call.rest) else { throw call.hidden(call.rest) }
      let limit = try call.number("limit", in: 1...10_000) ?? 50
      let lines = try http.service.read { try $0.auditTrail(of: call.rest, limit: limit) }
      return .json(.array(lines.map(\.json)))
    },
    Route("POST", "/admin/alias", .admin) { http, call in try http.setAlias(call) },
    Route("POST", "/admin/promote", .admin) { http, call in
      try http.setAlias(call, orElse: Reference.production)
    },
    Route("POST", "/admin/rollback", .admin) { http, call in
      let body = try call.body()
      let alias = try ParameterReader(body).string("alias") ?? Reference.production
      let name = try call.text("name", in: body)
      try http.checkScope(of: name, for: call)
      let version = try http.service.rollback(name, alias: alias, as: call.author)
      return .json(["alias": .string(alias), "version": version.json])
    },
    Route("POST", "/admin/unalias", .admin) { http, call in
      let body = try call.body()
      let (name, alias) = (try call.text("name", in: body), try call.text("alias", in: body))
      try http.checkScope(of: name, for: call)
      try http.service.change(as: call.author) { try $0.removeAlias(name, alias: alias) }
      return .json(["alias": .string(alias), "removed": true])
    },
    Route("POST", "/admin/remove", .admin) { http, call in
      let text = try call.text("reference", in: try call.body())
      try http.checkScope(of: text, for: call)
      let removed = try http.service.change(as: call.author) { registry in
        try registry.removeVersion(text).reference
      }
      return .json(["removed": .string(removed)])
    },
  ]
}

extension HTTPService {
  /// Points the alias that the body names, or else `other`, at the version that its reference names.
  func setAlias(_ call: Call, orElse other: String? = nil) throws -> HTTPResponse {
    let body = try call.body()
    let alias = try ParameterReader(body).string("alias") ?? other ?? call.text("alias", in: body)
    let reference = try call.text("reference", in: body)
    try checkScope(of: reference, for: call)
    let version = try service.setAlias(alias, to: reference, as: call.author)
    return .json(["alias": .string(alias), "version": version.json])
  }

  func list(_ call: Call) throws -> HTTPResponse {
    var query = ListQuery()
    query.pattern = call.word("pattern")
    query.scopes = call.key?.scopes
    query.after = call.word("after")
    query.limit = try call.number("limit", in: 1...10_000) ?? 100
    let found = try service.read { try $0.list(query) }
    let hasMore = found.count == query.limit
    return .json([
      "adapters": .array(found.map(\.json)),
      "after": hasMore ? .text(found.last?.name) : .null,
    ])
  }

  func show(_ name: String) throws -> HTTPResponse {
    let (versions, aliases, tags) = try service.read { registry in
      (try registry.versions(of: name), try registry.aliases(of: name), try registry.tags(of: name))
    }
    let users = service.loop.adapters.residents
    return .json([
      "name": .string(name), "aliases": aliases.json,
      "tags": .array(tags.map { .string($0) }),
      "versions": .array(
        versions.map { version in
          guard case .object(var json) = version.json else { return version.json }
          json["resident"] = .bool(users[version.digest] != nil)
          json["inFlight"] = .int(users[version.digest] ?? 0)
          return .object(json)
        }),
    ])
  }
}

extension Call {
  /// A value of the query.
  func word(_ name: String) -> String? { request.query.first { $0.name == name }?.value }

  /// A number of the query.
  func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = word(name) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw APIError.wrongValue(
        name, "from \(range.lowerBound) to \(range.upperBound)", "'\(abridged(text))'")
    }
    return number
  }
}
