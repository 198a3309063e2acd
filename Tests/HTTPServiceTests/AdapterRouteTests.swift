import Adapters
import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Testing
import Toys

/// The ways to adapters that vLLM and llama-server have.
@Suite struct AdapterRouteTests {
  /// A service that may load from a folder, and the folder, which lies in `home`.
  private func loading() throws -> (toy: ToyService, folder: URL) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-adapters-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("open"), withIntermediateDirectories: true)
    let toy = try ToyService { _, options in
      options.adapterFolder = folder.appendingPathComponent("open").path
    }
    for (place, seed) in [("open/one", 1), ("open/deep/two", 2), ("closed", 3)] {
      let path = folder.appendingPathComponent(place)
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try PEFT.write(try toy.adapter(seed), directory: path.path)
    }
    return (toy, folder)
  }

  @Test func anAdapterIsLoadedFromThePermittedFolder() throws {
    let (toy, folder) = try loading()
    defer { try? FileManager.default.removeItem(at: folder) }
    let open = folder.appendingPathComponent("open").path
    let paths = ["one", "\(open)/deep/two", "deep/../one", "./deep//two/"]
    for (number, path) in paths.enumerated() {
      let name = "a\(number)"
      let reply = try toy.post(
        "/v1/load_lora_adapter", ["lora_name": .string(name), "lora_path": .string(path)])
      #expect(reply.status == 200, "\(path): \(reply.text)")
      #expect(reply.header("x-adapter-version") == "\(name)@1")
      #expect(try toy.say(name).header("x-adapter-digest") == reply.header("x-adapter-digest"))
    }
    #expect(try toy.say("a0").answer == toy.say("a2").answer)
    #expect(try toy.say("a0").answer != toy.say("a1").answer)

    let again: JSONValue = ["lora_name": "a0", "lora_path": "deep/two"]
    let refused = try toy.post("/v1/load_lora_adapter", again)
    #expect(refused.status == 400 && refused.error.message.contains("load_inplace"))
    let inPlace = try toy.post(
      "/v1/load_lora_adapter",
      ["lora_name": "a0", "lora_path": "deep/two", "load_inplace": true])
    #expect(inPlace.header("x-adapter-version") == "a0@2")
    #expect(try toy.say("a0").answer == toy.say("a1").answer)

    let unloaded = try toy.post("/v1/unload_lora_adapter", ["lora_name": "a0"])
    #expect(unloaded.status == 200 && unloaded.text.hasPrefix("Success"))
    #expect(try toy.say("a0").status == 404)
    #expect(try toy.post("/v1/unload_lora_adapter", ["lora_name": "a0"]).status == 404)
  }

  @Test func nothingOutsideTheFolderIsLoaded() throws {
    let (toy, folder) = try loading()
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = FileManager.default
    let open = folder.appendingPathComponent("open")
    try files.createSymbolicLink(
      at: open.appendingPathComponent("link"),
      withDestinationURL: folder.appendingPathComponent("closed"))
    try files.createSymbolicLink(
      at: open.appendingPathComponent("up"), withDestinationURL: folder)
    try files.createSymbolicLink(
      atPath: open.appendingPathComponent("relative").path, withDestinationPath: "../closed")
    // A folder whose name only begins like the permitted one's.
    try files.copyItem(
      at: folder.appendingPathComponent("closed"), to: folder.appendingPathComponent("open-not"))
    let paths = [
      "../closed", folder.path + "/closed", "one/../../closed", "link", "up/closed", "relative",
      "../open-not", open.path + "-not", "link/../closed", "deep/../../closed/", "", ".", "..", "/",
      "/etc", "up/open/../closed", "~",
    ]
    for path in paths {
      let reply = try toy.post(
        "/v1/load_lora_adapter", ["lora_name": "x", "lora_path": .string(path)])
      #expect([403, 404].contains(reply.status), "'\(path)': \(reply.text)")
      #expect(!reply.text.contains(folder.path) || path.hasPrefix("/"), "a path is told")
    }
    #expect(try toy.registry.list().isEmpty)
  }

  @Test func whatIsNoAdapterIsRefused() throws {
    let (toy, folder) = try loading()
    defer { try? FileManager.default.removeItem(at: folder) }
    let one = folder.appendingPathComponent("open/one")
    func reply(_ name: String = "x", _ path: String = "one") throws -> Reply {
      try toy.post(
        "/v1/load_lora_adapter", ["lora_name": .string(name), "lora_path": .string(path)])
    }
    #expect(try reply("Not A Name").status == 400)
    #expect(try reply("base").status == 400)
    let missing = try reply("x", "none")
    #expect(missing.status == 404 && missing.error.message.contains("'none'"))
    #expect(try reply("x", "deep").status == 400, "a folder without an adapter")
    try Data("no tensors".utf8).write(to: one.appendingPathComponent("adapter_model.safetensors"))
    #expect(try reply().status == 400)
    try Data("{".utf8).write(to: one.appendingPathComponent("adapter_config.json"))
    #expect(try reply().status == 400)
    #expect(try toy.registry.list().isEmpty)
  }

  @Test func withoutAFolderNothingIsLoaded() throws {
    let toy = try ToyService()
    let reply = try toy.post("/v1/load_lora_adapter", ["lora_name": "x", "lora_path": "/"])
    #expect(reply.status == 403 && reply.error.code == "not_permitted")
  }

  @Test func anAdaptersNumberIsItsOwnAndStays() throws {
    let toy = try ToyService()
    for name in ["a", "b", "c"] { try toy.publish(1, as: name) }
    func numbers() throws -> [String: Int] {
      let list = try toy.get("/lora-adapters").json.arrayValue ?? []
      return Dictionary(
        uniqueKeysWithValues: list.map {
          ($0["path"]?.stringValue ?? "", $0["id"]?.intValue ?? 0)
        })
    }
    let before = try numbers()
    #expect(Set(before.values).count == 3, "the same weights under three names")
    try toy.publish(2, as: "b")
    try toy.registry.removeAdapter("a")
    #expect(try numbers() == before.filter { $0.key != "a" })
    func chosen(_ model: String, _ name: String, _ scale: Int) throws -> Reply {
      let lora: JSONValue = [["id": .int(before[name] ?? 0), "scale": .int(scale)]]
      return try toy.post("/v1/completions", ToyService.question(model, with: ["lora": lora]))
    }
    #expect(try chosen("toy", "b", 1).header("x-adapter-version") == "b@2")
    #expect(try chosen("toy", "c", 1).header("x-adapter-version") == "c@1")
    let gone = try chosen("toy", "a", 1)
    #expect(gone.status == 404 && gone.error.code == "model_not_found")
    let off = try chosen("b", "b", 0)
    #expect(off.status == 400 && off.error.message.contains("scale 0"))
    #expect(try chosen("b", "c", 0).header("x-adapter-version") == "b@2")
  }

  @Test func anAdapterIsChosenByItsNumber() throws {
    let toy = try ToyService()
    for (seed, name) in [(1, "a"), (2, "b")] { try toy.publish(seed, as: name) }
    let list = try #require(try toy.get("/lora-adapters").json.arrayValue)
    #expect(list.map { $0["path"]?.stringValue } == ["a", "b"])
    let ids = list.compactMap { $0["id"]?.intValue }
    #expect(Set(ids).count == 2 && list.allSatisfy { $0["scale"]?.doubleValue == 0 })
    func chosen(_ lora: JSONValue) throws -> Reply {
      try toy.post("/v1/completions", ToyService.question("toy", with: ["lora": lora]))
    }
    let b: JSONValue = [
      ["id": .int(ids[0]), "scale": 0], ["id": .int(ids[1]), "scale": 1.0],
    ]
    #expect(try chosen(b).header("x-adapter-version") == "b@1")
    #expect(try chosen(b).answer == toy.say("b").answer)
    #expect(try chosen([]).header("x-adapter-version") == "toy")
    #expect(try chosen([["id": .int(ids[0]), "scale": 0]]).header("x-adapter-version") == "toy")
    let half = try chosen([["id": .int(ids[0]), "scale": 0.5]])
    #expect(half.status == 400 && half.error.code == "unsupported_parameter")
    let both = try chosen([["id": .int(ids[0]), "scale": 1], ["id": .int(ids[1]), "scale": 1]])
    #expect(both.status == 400)
    let unknown = try chosen([["id": 5, "scale": 1]])
    #expect(unknown.status == 404 && unknown.error.code == "model_not_found")
    #expect(try toy.post("/lora-adapters", ["x": 1]).status == 400)
  }
}
