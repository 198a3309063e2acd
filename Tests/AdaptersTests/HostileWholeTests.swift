import Adapters
import Checkpoints
import Models
import Tensors
import Testing

@Suite("Hostile biases, embeddings and whole weights")
struct HostileWholeTests {
  private func refused(
    _ name: String, _ code: AdapterError.Code, _ told: String,
    configure: (inout LoRAConfiguration) -> Void = { _ in },
    sourceLocation: SourceLocation = #_sourceLocation, _ edit: (inout [StoredTensor]) -> Void
  ) throws {
    let golden = try WholeGolden(name)
    var configuration = try PEFT.readConfiguration(directory: golden.folder)
    configure(&configuration)
    var tensors = try SafetensorsFile(parsing: Bytes(golden.data("adapter_model.safetensors")))
      .tensors
    edit(&tensors)
    let error = #expect(throws: AdapterError.self, sourceLocation: sourceLocation) {
      try Adapter.read(
        weights: Bytes(SafetensorsFile.write(tensors)), configuration: configuration,
        baseFingerprint: Goldens.base, slots: golden.model.slots)
    }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    #expect(
      error?.message.contains(told) == true, "\(error?.message ?? "")",
      sourceLocation: sourceLocation)
  }

  private func replace(
    _ tensors: inout [StoredTensor], _ ending: String, shape: [Int], _ value: Float = 1
  ) {
    guard let index = tensors.firstIndex(where: { $0.name.hasSuffix(ending) }) else { return }
    tensors[index] = StoredTensor(
      name: tensors[index].name, dtype: .f32, shape: shape,
      bytes: Bytes([Float](repeating: value, count: shape.reduce(1, *))))
  }

  @Test(
    "a part that the configuration asks for and the file lacks is named",
    arguments: [
      ("bias-adapted", "layers.1.self_attn.o_proj.base_layer.bias", "trains the bias of"),
      ("bias-all", "layers.0.self_attn.k_proj.bias", "trains the bias of"),
      ("bias-of-b", "layers.1.mlp.down_proj.lora_B.bias", "adds a bias to"),
      ("embedding-tied", "embed_tokens.lora_embedding_A", "adapts"),
      ("head-tied", "lm_head.weight", "saves"), ("both-made-one", "lm_head.weight", "saves"),
    ])
  func missing(name: String, ending: String, verb: String) throws {
    try refused(name, .missingTensor, "\(ending)' is missing, but the configuration \(verb)") {
      $0.removeAll { $0.name.hasSuffix(ending) }
    }
  }

  @Test(
    "a part of another shape is named with both shapes",
    arguments: [
      ("bias-adapted", "0.self_attn.q_proj.base_layer.bias", [31], "need [32]"),
      ("bias-adapted", "0.self_attn.q_proj.base_layer.bias", [1, 32], "need [32]"),
      ("bias-of-b", "0.mlp.down_proj.lora_B.bias", [0], "need [48]"),
      ("embedding-tied", "lora_embedding_A", [131, 2], "need [2, 131]"),
      ("head-tied", "lm_head.weight", [132, 32], "resized vocabulary"),
      ("embedding-tied", "embed_tokens.base_layer.weight", [130, 32], "resized vocabulary"),
      ("embedding-saved-tied", "embed_tokens.weight", [32, 131], "need [131, 32]"),
    ])
  func misshapen(name: String, ending: String, shape: [Int], told: String) throws {
    try refused(name, .badShape, told) { replace(&$0, ending, shape: shape) }
  }

  @Test(
    "a value that is not finite is named",
    arguments: [
      ("bias-adapted", "0.self_attn.q_proj.base_layer.bias", [32], "q_proj' bias holds nan"),
      ("bias-of-b", "0.mlp.down_proj.lora_B.bias", [48], "down_proj' bias of B holds nan"),
      ("embedding-tied", "lora_embedding_B", [32, 2], "embed_tokens' B holds nan"),
      ("head-tied", "lm_head.weight", [131, 32], "lm_head' weight holds nan"),
    ])
  func notFinite(name: String, ending: String, shape: [Int], told: String) throws {
    try refused(name, .notFinite, told) { replace(&$0, ending, shape: shape, .nan) }
  }

  @Test("a tensor that the configuration has no place for is refused with the reason")
  func unasked() throws {
    func extra(_ name: String) -> (inout [StoredTensor]) -> Void {
      {
        $0.append(
          StoredTensor(
            name: "base_model.model." + name, dtype: .f32, shape: [32],
            bytes: Bytes([Float](repeating: 1, count: 32))))
      }
    }
    try refused(
      "bias-adapted", .unknownTensor, "correct 'bias'",
      extra("model.layers.0.self_attn.k_proj.bias"))
    try refused(
      "bias-adapted", .unknownTensor, "lora_bias is false",
      extra("model.layers.0.self_attn.q_proj.lora_B.bias"))
    try refused(
      "head-untied", .unknownTensor, "does not adapt", extra("model.embed_tokens.lora_embedding_A"))
    try refused(
      "head-untied", .unknownTensor, "trainable tokens",
      extra("model.embed_tokens.token_adapter.trainable_tokens_delta"))
    try refused("head-untied", .unknownTensor, "no place", extra("model.norm.weight"))
    try refused(
      "head-untied", .unknownTensor, "the base's own weight",
      extra("model.layers.0.self_attn.v_proj.base_layer.weight"))
  }

  @Test("two different weights for one parameter of the base are refused")
  func contradiction() throws {
    try refused("embedding-and-head", .badConfiguration, "two different weights") {
      replace(&$0, "lm_head.base_layer.weight", shape: [131, 32])
    }
    try refused("both-made-one", .badConfiguration, "two different weights") {
      replace(&$0, "lm_head.weight", shape: [131, 32])
    }
  }

  @Test("modules that cannot be kept whole are refused by name")
  func modules() throws {
    func save(_ name: String) -> (inout LoRAConfiguration) -> Void {
      { $0.savedModules = [name] }
    }
    for name in ["norm", "input_layernorm", "q_proj", "mlp", "model", ""] {
      try refused(
        "head-tied", .unsupported, "modules_to_save: '\(name)'", configure: save(name)
      ) { _ in }
    }
    try refused(
      "head-tied", .unsupported, "write 'lm_head'", configure: save("head")
    ) { _ in }
  }

  @Test("what PEFT cannot do, and what is not built, is refused for embeddings")
  func embeddings() throws {
    let unchanged: (inout [StoredTensor]) -> Void = { _ in }
    try refused(
      "embedding-tied", .unsupported, "lora_bias", configure: { $0.usesLoRABias = true }, unchanged)
    try refused(
      "embedding-tied", .unsupported, "ensure_weight_tying", configure: { $0.ensuresTying = true },
      unchanged)
    let golden = try WholeGolden("embedding-tied")
    let selection = try TargetSelection(golden.adapter().configuration, slots: golden.model.slots)
    let error = #expect(throws: AdapterError.self) {
      try selection.initialDeltas(slots: golden.model.slots, seed: 1)
    }
    #expect(error?.message.contains("only linear layers can be trained") == true)
  }

  @Test("a file cut at any length, or with flipped bits, is refused or whole")
  func damaged() throws {
    let golden = try WholeGolden("bias-adapted")
    let weights = try golden.data("adapter_model.safetensors")
    let configuration = try PEFT.readConfiguration(directory: golden.folder)
    func read(_ bytes: [UInt8]) throws -> Adapter {
      try Adapter.read(
        weights: Bytes(bytes), configuration: configuration, baseFingerprint: Goldens.base,
        slots: golden.model.slots)
    }
    for length in stride(from: 0, to: weights.count, by: 37) {
      #expect(throws: AdapterError.self, "\(length) bytes") {
        try read(Array(weights.prefix(length)))
      }
    }
    for bit in stride(from: 0, to: weights.count * 8, by: 101) {
      var bytes = weights
      bytes[bit / 8] ^= 1 << (bit % 8)
      guard let adapter = try? read(bytes) else { continue }
      #expect(adapter.updates.biases.values.allSatisfy { $0.values.allSatisfy(\.isFinite) })
    }
  }
}
