import Adapters
import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Testing
import Toys

/// Admins' keys that open only some names: the others do not exist to them.
@Suite struct ScopedAdminTests {
  private let toy: ToyService
  private let key: String
  private let folder: URL

  init() throws {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-scoped-\(UUID().uuidString)")
    folder = home
    toy = try ToyService { _, options in options.adapterFolder = home.path }
    for (seed, name) in [(1, "acme/a"), (2, "acme/a"), (3, "other/c"), (4, "other/c")] {
      try toy.publish(seed, as: name)
    }
    for name in ["acme/a", "other/c"] {
      for number in 1...2 { try toy.registry.setAlias("production", to: "\(name)@\(number)") }
    }
    key = try toy.registry.addKey(NewKey("acme-ops", scopes: ["acme/*"], isAdmin: true)).secret
    try PEFT.write(try toy.adapter(5), directory: home.appendingPathComponent("five").path)
  }

  private func changes(_ name: String) -> [(method: String, path: String, body: JSONValue?)] {
    [
      ("GET", "/admin/adapters/\(name)", nil), ("GET", "/admin/history/\(name)", nil),
      ("POST", "/admin/alias", ["reference": .string(name + "@1"), "alias": "beta"]),
      ("POST", "/admin/promote", ["reference": .string(name + "@1")]),
      ("POST", "/admin/rollback", ["name": .string(name)]),
      ("POST", "/admin/unalias", ["name": .string(name), "alias": "production"]),
      ("POST", "/admin/remove", ["reference": .string(name + "@2")]),
      ("DELETE", "/v1/models/\(name)@2", nil), ("DELETE", "/v1/models/\(name)", nil),
      ("POST", "/v1/unload_lora_adapter", ["lora_name": .string(name)]),
    ]
  }

  @Test func whatIsOutsideItsScopeDoesNotExist() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let before = try toy.registry.auditTrail(of: "other/c")
    for (method, path, body) in changes("other/c") {
      let reply = try toy.ask(method, path, body, key: key)
      #expect(reply.status == 404 && reply.error.code == "not_found", "\(path): \(reply.text)")
      // As what is not there, to the letter but for the name.
      let missing = try toy.ask(
        method, path.replacing("other/c", with: "other/x"),
        body.map { try JSONValue(parsing: $0.text().replacing("other/c", with: "other/x")) },
        key: key)
      #expect(missing.status == 404)
      #expect(missing.text == reply.text.replacing("other/c", with: "other/x"), "\(path)")
    }
    #expect(try toy.registry.auditTrail(of: "other/c") == before, "nothing was changed")
    // No hint at a name that it does not open: 'acme/c' is near to 'other/c'.
    for (method, path, body) in changes("acme/c") {
      let reply = try toy.ask(method, path, body, key: key)
      #expect(!reply.text.contains("other"), "\(reply.text)")
    }
  }

  @Test func whatIsInsideItChanges() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    // The version is removed once; the alias 'beta' keeps the adapter.
    let statuses = [200, 200, 200, 200, 200, 200, 200, 404, 409, 409]
    for ((method, path, body), status) in zip(changes("acme/a"), statuses) {
      let reply = try toy.ask(method, path, body, key: key)
      #expect(reply.status == status, "\(path): \(reply.text)")
    }
  }

  @Test func theListIsItsOwn() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (seed, name) in [(6, "acme/b"), (7, "acmes/x"), (8, "zed")] {
      try toy.publish(seed, as: name)
    }
    func names(_ path: String, _ key: String) throws -> [String?] {
      let json = try toy.get(path, key: key).json
      return (json["adapters"]?.arrayValue ?? []).map { $0["name"]?.stringValue }
    }
    #expect(try names("/admin/adapters", key) == ["acme/a", "acme/b"])
    #expect(try names("/admin/adapters?pattern=*", key) == ["acme/a", "acme/b"])
    let page = try toy.get("/admin/adapters?limit=1", key: key).json
    #expect(page["after"] == "acme/a")
    #expect(try names("/admin/adapters?limit=1&after=acme%2Fa", key) == ["acme/b"])
    #expect(try names("/admin/adapters?pattern=other%2F*", key).isEmpty)
    let two = try toy.registry.addKey(NewKey("two", scopes: ["zed", "acme/*"], isAdmin: true))
    #expect(try names("/admin/adapters", two.secret) == ["acme/a", "acme/b", "zed"])
    let all = try toy.registry.addKey(NewKey("all", isAdmin: true)).secret
    #expect(try names("/admin/adapters", all) == ["acme/a", "acme/b", "acmes/x", "other/c", "zed"])
  }

  @Test func itPublishesInItsScopeOnly() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    func load(_ name: String) throws -> Reply {
      try toy.post(
        "/v1/load_lora_adapter", ["lora_name": .string(name), "lora_path": "five"], key: key)
    }
    for name in ["other/c", "other/new", "solo"] {
      let reply = try load(name)
      #expect(reply.status == 403 && reply.error.code == "not_permitted", "\(reply.text)")
      #expect(reply.error.message.contains("acme/*"))
    }
    #expect(try load("acme/new").status == 200)
    #expect(try toy.registry.list().map(\.name) == ["acme/a", "acme/new", "other/c"])
  }

  @Test func otherNamesAreNotCountedForIt() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let all = try toy.registry.addKey(NewKey("all")).secret
    for name in ["acme/a", "other/c"] {
      let body = ToyService.question(name, tokens: 1)
      #expect(try toy.post("/v1/completions", body, key: all).status == 200)
    }
    let mine = try toy.get("/metrics", key: key).text
    #expect(mine.contains(#"adapter="acme/a""#) && !mine.contains("other/c"))
    #expect(try toy.get("/metrics", key: all).text.contains("other/c"))
  }

  /// An adapter that is there and cannot be loaded is told as such to who may know of it.
  @Test func aDamagedAdapterIsNotCalledUnknown() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try toy.registry.write { database in
      try database.run("DROP TRIGGER blob_parts_are_immutable")
      try database.run("UPDATE blob_parts SET bytes = zeroblob(length(bytes))")
    }
    for _ in 0..<2 {
      let reply = try toy.post("/v1/completions", ToyService.question("acme/a@1"), key: key)
      #expect(reply.status == 503 && reply.error.code == "adapter_unavailable", "\(reply.text)")
    }
  }
}
