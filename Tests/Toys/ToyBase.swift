import Checkpoints
package import Foundation
import JSON
import Tensors

/// A checkpoint's folder with a random model of 131 tokens, a tokenizer that has just as many, and a chat template.
package enum ToyBase {
  /// What the registry calls it.
  package static let name = "toy"
  /// The token that ends an answer.
  package static let end = 2

  private static let template =
    "{% for m in messages %}{{ '<|start|>' + m['role'] + '\\n' + m['content'] + '<|stop|>' }}{% endfor %}"
    + "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}"

  /// Makes the folder.
  package static func write(to folder: URL, seed: UInt64 = 1) throws {
    let files = FileManager.default
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(configuration.bytes()).write(to: folder.appendingPathComponent("config.json"))
    try Data(model(seed)).write(to: folder.appendingPathComponent("model.safetensors"))
    try Data(tokenizer.bytes()).write(to: folder.appendingPathComponent("tokenizer.json"))
    try Data(template.utf8).write(to: folder.appendingPathComponent("chat_template.jinja"))
  }

  // No side of a weight is below 32: narrower ones are multiplied by OpenBLAS, whose sums depend on the number of rows.
  private static let (layers, width, inner, keys, vocabulary) = (2, 64, 96, 32, 131)

  private static let configuration: JSONValue = [
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "hidden_size": .int(width), "intermediate_size": .int(inner), "num_hidden_layers": .int(layers),
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0, "max_position_embeddings": 512, "vocab_size": .int(vocabulary),
    "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": .int(end),
  ]

  /// Random weights.
  private static func model(_ seed: UInt64) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    func tensor(_ name: String, _ rows: Int, _ columns: Int) -> StoredTensor {
      let matrix = Matrix(
        rows: rows, columns: columns, (0..<rows * columns).map { _ in generator.normal() * 0.15 })
      return StoredTensor(
        name: name + ".weight", dtype: .f32, shape: [rows, columns], bytes: matrix.bytes)
    }
    func norm(_ name: String) -> StoredTensor {
      let ones = Matrix(rows: 1, columns: width, [Float](repeating: 1, count: width))
      return StoredTensor(name: name + ".weight", dtype: .f32, shape: [width], bytes: ones.bytes)
    }
    var tensors = [tensor("model.embed_tokens", vocabulary, width), norm("model.norm")]
    for layer in 0..<layers {
      let place = "model.layers.\(layer)."
      for (name, rows, columns) in [
        ("self_attn.q_proj", width, width), ("self_attn.k_proj", keys, width),
        ("self_attn.v_proj", keys, width), ("self_attn.o_proj", width, width),
        ("mlp.gate_proj", inner, width), ("mlp.up_proj", inner, width),
        ("mlp.down_proj", width, inner),
      ] { tensors.append(tensor(place + name, rows, columns)) }
      tensors += [norm(place + "input_layernorm"), norm(place + "post_attention_layernorm")]
    }
    return SafetensorsFile.write(tensors)
  }

  /// Three special tokens, and one for each of 128 bytes: a line's end, ASCII's letters and signs, and those that
  /// make the letters from `à` to `þ` (with which answers are no whole letters as a rule).
  private static var tokenizer: JSONValue {
    let bytes: [UInt8] = [10] + Array(32...126) + [0xC3] + Array(0xA0...0xBE)
    let special = ["<|pad|>", "<|start|>", "<|stop|>"]
    return [
      "version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil,
      "added_tokens": .array(
        special.enumerated().map { id, text in
          [
            "id": .int(id), "content": .string(text), "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
          ]
        }),
      "pre_tokenizer": [
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
      ],
      "post_processor": nil,
      "decoder": [
        "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
      ],
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
        "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
        "vocab": .object(
          JSONObject(bytes.enumerated().map { (letter($1), .int($0 + special.count)) })),
        "merges": [],
      ],
    ]
  }

  /// The letter that stands for a byte in byte-level vocabularies (GPT-2's `bytes_to_unicode`).
  private static func letter(_ byte: UInt8) -> String {
    func isPlain(_ byte: UInt8) -> Bool {
      (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
    }
    let scalar = isPlain(byte) ? Int(byte) : 256 + (0..<byte).count { !isPlain($0) }
    return Unicode.Scalar(scalar).map { String(Character($0)) } ?? ""
  }
}
