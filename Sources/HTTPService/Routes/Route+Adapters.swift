import Digests
import Foundation
import JSON
import Lorikeet
import Registry

extension Route {
  /// vLLM's and llama-server's own ways to adapters.
  static let adapters: [Route] = [
    Route("POST", "/v1/load_lora_adapter", .admin) { http, call in try http.load(call) },
    Route("POST", "/v1/unload_lora_adapter", .admin) { http, call in
      let name = try call.text("lora_name", in: try call.body())
      try http.checkScope(of: name, for: call)
      _ = try http.service.change(as: call.author) { try $0.removeAdapter(name) }
      return .text("Success: LoRA adapter '\(name)' removed successfully.")
    },
    Route("GET", "/lora-adapters") { http, call in
      .json(
        .array(
          try http.loraAdapters(for: call).map { adapter in
            [
              "id": .int(adapter.id), "path": .string(adapter.name), "scale": .double(0),
              "task_name": "", "prompt_prefix": "",
            ]
          }))
    },
    Route("POST", "/lora-adapters", .admin) { _, _ in
      throw APIError(
        .invalidRequest,
        "adapters have no scale for everybody here; name one as 'model', or in a request's 'lora'",
        code: "unsupported")
    },
  ]
}

extension HTTPService {
  /// The adapters as llama-server counts them. An adapter's number, of 31 bits, is made of its name: it stays the same when
  /// versions and other adapters come and go.
  func loraAdapters(for call: Call) throws -> [(id: Int, name: String)] {
    try cards(for: call).filter { $0.parent != nil }.map { card in
      ((Int(Digest.of(card.id).hex.prefix(8), radix: 16) ?? 0) & 0x7fff_ffff, card.id)
    }
  }

  /// The name of the adapter whose number is `id`.
  func loraAdapter(_ id: Int, for call: Call) throws -> String {
    let found = try loraAdapters(for: call).filter { $0.id == id }
    guard let only = found.first else {
      throw APIError(
        .notFound, "'lora': there is no adapter \(id); GET /lora-adapters lists them",
        param: "lora", code: "model_not_found")
    }
    guard found.count == 1 else {
      throw APIError(
        .invalidRequest,
        "'lora': \(id) is \(found.map { "'\($0.name)'" }.joined(separator: " and ")) alike; name one as 'model'",
        param: "lora", code: "invalid_value")
    }
    return only.name
  }

  /// Publishes the adapter in a folder below the one that is permitted.
  func load(_ call: Call) throws -> HTTPResponse {
    let body = try call.body()
    let name = try call.text("lora_name", in: body)
    let path = try call.text("lora_path", in: body)
    guard call.opens(name) else {
      throw APIError(
        .permission,
        "key '\(call.key?.name ?? "")' publishes no adapter '\(abridged(name))'; its scopes say "
          + "which: \((call.key?.scopes ?? []).joined(separator: ", "))",
        param: "lora_name", code: "not_permitted")
    }
    guard let root = options.adapterFolder else {
      throw APIError(
        .permission, "this server loads no adapters from files; start it with --adapter-folder DIR",
        code: "not_permitted")
    }
    let folder = URL(fileURLWithPath: root).resolvingSymlinksInPath().standardizedFileURL.path
    let wanted = URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder + "/"))
      .resolvingSymlinksInPath().standardizedFileURL.path
    guard wanted.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/") else {
      throw APIError(
        .permission, "'lora_path' must lie below the folder that the server permits",
        param: "lora_path", code: "not_permitted")
    }
    guard FileManager.default.fileExists(atPath: wanted) else {
      throw APIError(
        .notFound, "there is no adapter at '\(abridged(path))'", param: "lora_path",
        code: "not_found")
    }
    let inPlace = try ParameterReader(body).bool("load_inplace") ?? false
    if !inPlace, (try? service.read({ try $0.version(name) })) != nil {
      throw APIError(
        .invalidRequest,
        "adapter '\(abridged(name))' is loaded already; 'load_inplace' publishes a new version",
        param: "lora_name")
    }
    let version = try service.importAdapter(directory: wanted, name: name, as: call.author)
    return HTTPResponse(
      headers: [
        ("content-type", "text/plain; charset=utf-8"), ("x-adapter-version", version.reference),
        ("x-adapter-digest", version.digest.hex),
      ], body: Array("Success: LoRA adapter '\(name)' added successfully.".utf8))
  }
}
