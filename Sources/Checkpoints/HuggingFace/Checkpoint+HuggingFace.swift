import Foundation
import JSON
import Tensors

extension Checkpoint {
  static func openDirectory(_ path: String) throws(FormatError) -> Checkpoint {
    let directory = ModelDirectory(path: path)
    guard let configurationText = try directory.text("config.json") else {
      throw FormatError(
        .cannotOpen, "'\(path)' has no config.json; give a Hugging Face model folder or a GGUF file"
      )
    }
    do throws(FormatError) {
      let configuration = try ModelConfiguration(
        huggingFace: configurationText, generation: try directory.text("generation_config.json"))
      let stored = try directory.tensors()
      let tensors = try place(stored, configuration, interleaved: false)
      let template = try directory.template()
      return Checkpoint(
        path: path, format: .huggingFace, configuration: configuration,
        tensorNames: sortedNames(tensors), chatTemplate: template.text,
        specialTokens: template.tokens, tensors: tensors, text: .directory(path))
    } catch {
      throw error.inFile(path)
    }
  }
}

/// A Hugging Face model directory.
struct ModelDirectory {
  let path: String

  /// Largest text file that is read: tokenizers of a quarter million tokens take about 20 MB.
  static let largestText = 256 << 20

  func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

  private func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: file(name))
  }

  /// The bytes of the text file `name`, or nil where there is none.
  func text(_ name: String) throws(FormatError) -> [UInt8]? {
    guard exists(name) else { return nil }
    do throws(TensorError) {
      return try RegularFile.bytes(path: file(name), limit: ModelDirectory.largestText)
    } catch {
      throw FormatError(error.code == .tooLarge ? .malformed : .cannotOpen, error.message)
    }
  }

  /// All tensors by name, out of `model.safetensors` or the shards that its index names.
  func tensors() throws(FormatError) -> [String: StoredTensor] {
    if exists("model.safetensors") {
      return Dictionary(
        uniqueKeysWithValues: try SafetensorsFile.open(path: file("model.safetensors")).tensors.map
        {
          ($0.name, $0)
        })
    }
    guard let index = try text("model.safetensors.index.json") else {
      throw FormatError(
        .cannotOpen,
        "no model.safetensors and no model.safetensors.index.json"
          + (exists("pytorch_model.bin") || exists("pytorch_model.bin.index.json")
            ? "; pickled weights (pytorch_model.bin) are not read: save them as safetensors" : ""))
    }
    return try shards(index)
  }

  private func shards(_ index: [UInt8]) throws(FormatError) -> [String: StoredTensor] {
    let name = "model.safetensors.index.json"
    let fields = try ConfigurationFields(file: name, parsing: index)
    guard let map = try fields.fields("weight_map")?.object else {
      throw FormatError(.malformed, "\(name): weight_map is missing")
    }
    var files: [String: SafetensorsFile] = [:]
    var tensors: [String: StoredTensor] = [:]
    for member in map.members {
      guard let shard = member.value.stringValue, ModelDirectory.isPlainName(shard) else {
        throw FormatError(
          .malformed, "\(name): the shard of '\(shown(member.key))' is no plain file name")
      }
      if files[shard] == nil { files[shard] = try SafetensorsFile.open(path: file(shard)) }
      guard let tensor = files[shard]?[member.key] else {
        throw FormatError(
          .missingTensor, "\(name): '\(shown(shard))' has no tensor '\(shown(member.key))'")
      }
      tensors[member.key] = tensor
    }
    for (shard, file) in files {
      for tensor in file.tensors where tensors[tensor.name] == nil {
        throw FormatError(
          .malformed, "\(name) does not list '\(shown(tensor.name))' of '\(shown(shard))'")
      }
    }
    return tensors
  }

  /// Whether `name` is a file of this directory and of no other.
  static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 < 0x20 }
  }

  /// The chat template and the special tokens' texts, out of the files where they may stand.
  func template() throws(FormatError) -> (text: String?, tokens: [String: String]) {
    let file = "tokenizer_config.json"
    let fields = try text(file).map { bytes throws(FormatError) in
      try ConfigurationFields(file: file, parsing: bytes)
    }
    var tokens: [String: String] = [:]
    for name in ["bos_token", "eos_token", "unk_token", "pad_token"] {
      // A string, or an object that describes the added token.
      let value = fields?[name]
      tokens[name] = value?.stringValue ?? value?["content"]?.stringValue
    }
    if let jinja = try text("chat_template.jinja") {
      guard let text = String(validating: jinja, as: UTF8.self) else {
        throw FormatError(.malformed, "chat_template.jinja is not valid UTF-8")
      }
      return (text, tokens)
    }
    if let separate = try text("chat_template.json") {
      let fields = try ConfigurationFields(file: "chat_template.json", parsing: separate)
      if let text = try template(fields) { return (text, tokens) }
    }
    return (try fields.flatMap { fields throws(FormatError) in try template(fields) }, tokens)
  }

  /// `chat_template`: a text, or a list of named ones of which "default" is ours.
  private func template(_ fields: ConfigurationFields) throws(FormatError) -> String? {
    guard let named = fields["chat_template"]?.arrayValue else {
      return try fields.string("chat_template")
    }
    guard let chosen = named.first(where: { $0["name"] == "default" }),
      let text = chosen["template"]?.stringValue
    else { throw fields.fault("chat_template is a list without one called 'default'") }
    return text
  }
}
