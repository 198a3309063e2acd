import Checkpoints
import Foundation
import JSON
import Models
import Tensors

/// A small random model with every matrix wide enough to be packed, held as `weights` say.
enum ToyModel {
  static func load(_ weights: WeightFormat, window: Int? = nil) throws -> Model {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-toy-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(configuration(window).bytes()).write(
      to: folder.appendingPathComponent("config.json"))
    try Data(SafetensorsFile.write(tensors())).write(
      to: folder.appendingPathComponent("model.safetensors"))
    return try Model.load(try Checkpoint.open(path: folder.path), weights: weights)
  }

  /// Four query heads for each of two key heads of 20 values: whole tiles nowhere.
  private static let (width, headSize, heads, pairs, inner, vocabulary) = (96, 20, 8, 2, 64, 101)

  private static func configuration(_ window: Int?) -> JSONValue {
    var facts: JSONObject = [
      "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu",
      "hidden_size": .int(width), "intermediate_size": .int(inner), "head_dim": .int(headSize),
      "num_attention_heads": .int(heads), "num_key_value_heads": .int(pairs),
      "num_hidden_layers": 2, "vocab_size": .int(vocabulary), "rms_norm_eps": 0.00001,
      "max_position_embeddings": 512, "tie_word_embeddings": true, "rope_theta": 10000,
    ]
    if let window { facts["sliding_window"] = .int(window) }
    return .object(facts)
  }

  private static func tensors() -> [StoredTensor] {
    var g = SplitMix64(seed: 17)
    func matrix(_ name: String, _ rows: Int, _ columns: Int) -> StoredTensor {
      let size = 1 / Float(columns).squareRoot()
      let values = (0..<rows * columns).map { _ in g.normal() * size }
      return StoredTensor(
        name: name + ".weight", matrix: Matrix(rows: rows, columns: columns, values))
    }
    func norm(_ name: String) -> StoredTensor {
      StoredTensor(
        name: name + ".weight", matrix: Matrix(repeating: 1, rows: 1, columns: width),
        shape: [width])
    }
    return [matrix("model.embed_tokens", vocabulary, width), norm("model.norm")]
      + (0..<2).flatMap { layer -> [StoredTensor] in
        let path = "model.layers.\(layer)."
        return [
          norm(path + "input_layernorm"), norm(path + "post_attention_layernorm"),
          matrix(path + "self_attn.q_proj", heads * headSize, width),
          matrix(path + "self_attn.k_proj", pairs * headSize, width),
          matrix(path + "self_attn.v_proj", pairs * headSize, width),
          matrix(path + "self_attn.o_proj", width, heads * headSize),
          matrix(path + "mlp.gate_proj", inner, width), matrix(path + "mlp.up_proj", inner, width),
          matrix(path + "mlp.down_proj", width, inner),
        ]
      }
  }
}
