import Checkpoints
import Expect
import Foundation
import JSON
import Tensors
import Testing

/// Model directories that are not as they should be.
@Suite("Model directory")
struct ModelDirectoryTests {
  /// A copy of the fixture `name` that `change` may alter, opened.
  private func opened(
    _ name: String = "smollm2", _ change: (URL) throws -> Void
  ) throws -> Checkpoint {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-directory-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Fixtures.url("models/\(name)"), to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    try change(folder)
    return try Checkpoint.open(path: folder.path)
  }

  private func editing(
    _ file: String, of folder: URL, _ edit: (inout JSONObject) -> Void
  ) throws {
    let url = folder.appendingPathComponent(file)
    guard case .object(var object) = try JSONValue(parsing: Data(contentsOf: url)) else { return }
    edit(&object)
    try Data(JSONValue.object(object).bytes()).write(to: url)
  }

  private func refusal(_ name: String = "smollm2", _ change: (URL) throws -> Void) -> String {
    #expect(throws: FormatError.self) { try opened(name, change) }?.message ?? ""
  }

  @Test(
    "what is not supported is refused by name",
    arguments: [
      ("model_type", JSONValue.string("gemma2"), "'gemma2' is not supported"),
      ("model_type", nil, "model_type is missing"), ("hidden_act", "gelu", "'gelu'"),
      ("mlp_bias", true, "mlp_bias is not supported"),
      ("quantization_config", ["quant_method": "gptq"], "quantization_config"),
      ("rope_parameters", ["rope_type": "yarn", "rope_theta": 1.0], "'yarn'"),
      ("rope_parameters", ["rope_type": "dynamic", "factor": 2.0], "'dynamic'"),
      ("rope_parameters", ["type": "longrope"], "'longrope'"),
      ("rope_parameters", ["rope_type": "linear"], "factor is missing"),
      ("rope_parameters", ["full_attention": ["rope_type": "default"]], "differ between layers"),
      (
        "rope_parameters", ["rope_theta": 1e4, "partial_rotary_factor": 0.5],
        "partial_rotary_factor"
      ),
      ("hidden_size", "48", "hidden_size is a string where an integer"),
      ("hidden_size", 0, "hidden_size is 0"), ("num_hidden_layers", 100_000, "100000 layers"),
      ("num_hidden_layers", 3, "'model.layers.2.input_layernorm.weight', [48], is missing"),
      ("num_hidden_layers", 1, "has no place in this model"),
      ("num_key_value_heads", 4, "cannot share 4"), ("head_dim", 7, "heads of size 7"),
      ("intermediate_size", 57, "[56, 48] where [57, 48] is expected"),
      ("tie_word_embeddings", false, "'lm_head.weight', [131, 48], is missing"),
      ("attention_bias", true, "self_attn.q_proj.bias"),
      ("rms_norm_eps", -1, "rms_norm_eps is -1"), ("eos_token_id", 131, "outside the vocabulary"),
      ("eos_token_id", "x", "eos_token_id is a string"),
    ] as [(String, JSONValue?, String)])
  func unsupported(key: String, value: JSONValue?, reason: String) throws {
    let message = refusal { folder in
      try editing("config.json", of: folder) { $0[key] = value }
    }
    #expect(message.contains(reason), "\(message)")
  }

  @Test("a window in some layers is refused; in all or none it is read")
  func windows() throws {
    func window(_ name: String, _ edits: [String: JSONValue?]) throws -> Int? {
      try opened(name) { folder in
        try editing("config.json", of: folder) { for (key, value) in edits { $0[key] = value } }
      }.configuration.slidingWindow
    }
    #expect(try window("mistral", ["sliding_window": .some(.null)]) == nil)
    #expect(try window("mistral", ["sliding_window": nil]) == 4096)
    #expect(try window("qwen2", [:]) == nil)
    #expect(try window("qwen2", ["use_sliding_window": true, "max_window_layers": 0]) == 8)
    #expect(try window("qwen2", ["use_sliding_window": true, "max_window_layers": 2]) == nil)
    #expect(throws: FormatError.self) {
      try window("qwen2", ["use_sliding_window": true, "max_window_layers": 1])
    }
    let all: JSONValue = ["sliding_attention", "sliding_attention"]
    #expect(
      try window("qwen3", ["use_sliding_window": true, "sliding_window": 8, "layer_types": all])
        == 8)
    let mixed: JSONValue = ["full_attention", "sliding_attention"]
    #expect(throws: FormatError.self) {
      try window("qwen3", ["use_sliding_window": true, "sliding_window": 8, "layer_types": mixed])
    }
  }

  @Test(
    "a shard outside the directory is refused",
    arguments: ["../smollm2/model.safetensors", "/etc/passwd", "..", "", "a\\b", "a/b"])
  func shardNames(shard: String) {
    let message = refusal("smollm2-sharded") { folder in
      try editing("model.safetensors.index.json", of: folder) {
        var map = $0["weight_map"]?.objectValue ?? JSONObject()
        map["model.norm.weight"] = .string(shard)
        $0["weight_map"] = .object(map)
      }
    }
    #expect(message.contains("is no plain file name"), "\(message)")
  }

  @Test("an index that lists too little or too much is refused")
  func index() {
    let little = refusal("smollm2-sharded") { folder in
      try editing("model.safetensors.index.json", of: folder) {
        var map = $0["weight_map"]?.objectValue ?? JSONObject()
        map["model.norm.weight"] = nil
        $0["weight_map"] = .object(map)
      }
    }
    #expect(little.contains("does not list 'model.norm.weight'"), "\(little)")
    let absent = refusal("smollm2-sharded") { folder in
      try FileManager.default.removeItem(
        at: folder.appendingPathComponent("model-00002-of-00004.safetensors"))
    }
    #expect(absent.contains("model-00002-of-00004.safetensors"), "\(absent)")
    let wrong = refusal("smollm2-sharded") { folder in
      try editing("model.safetensors.index.json", of: folder) {
        var map = $0["weight_map"]?.objectValue ?? JSONObject()
        map["extra"] = map["model.norm.weight"]
        $0["weight_map"] = .object(map)
      }
    }
    #expect(wrong.contains("has no tensor 'extra'"), "\(wrong)")
  }

  @Test("pickled weights are refused with advice")
  func pickled() {
    let message = refusal { folder in
      try FileManager.default.moveItem(
        at: folder.appendingPathComponent("model.safetensors"),
        to: folder.appendingPathComponent("pytorch_model.bin"))
    }
    #expect(message.contains("save them as safetensors"), "\(message)")
  }

  @Test("stops of generation_config.json are added")
  func stops() throws {
    let checkpoint = try opened { folder in
      try editing("generation_config.json", of: folder) { $0["eos_token_id"] = [2, 5, 7] }
    }
    #expect(checkpoint.configuration.endOfSequence == [2, 5, 7])
  }

  @Test("template and special tokens are found where they may stand")
  func templates() throws {
    func write(_ text: String, _ name: String, _ folder: URL) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    let inside =
      #"{"chat_template":"inside","bos_token":{"content":"<s>","lstrip":false},"eos_token":"</s>","pad_token":null}"#
    let plain = try opened { try write(inside, "tokenizer_config.json", $0) }
    #expect(plain.chatTemplate == "inside")
    #expect(plain.specialTokens == ["bos_token": "<s>", "eos_token": "</s>"])
    let jinja = try opened {
      try write(inside, "tokenizer_config.json", $0)
      try write("outside", "chat_template.jinja", $0)
    }
    #expect(jinja.chatTemplate == "outside")
    let named = try opened {
      try write(
        #"{"chat_template":[{"name":"rag","template":"r"},{"name":"default","template":"d"}]}"#,
        "tokenizer_config.json", $0)
    }
    #expect(named.chatTemplate == "d")
    #expect(try opened { _ in }.chatTemplate == nil)
    #expect(throws: FormatError.self) {
      try opened { try write(#"{"chat_template":[]}"#, "tokenizer_config.json", $0) }
    }
    #expect(throws: FormatError.self) {
      try opened { _ in }.tokenizerSource
    }
  }

  @Test("a cut weight file is refused")
  func cut() {
    let message = refusal { folder in
      let url = folder.appendingPathComponent("model.safetensors")
      try Data(try Data(contentsOf: url).dropLast(3)).write(to: url)
    }
    #expect(message.contains("cut short"), "\(message)")
  }
}
