import Expect
package import Foundation
import JSON

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
  package static func write(to folder: URL, model: String = "smollm2") throws {
    let files = FileManager.default
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    for file in ["config.json", "generation_config.json", "model.safetensors"] {
      try Fixtures.data("models/\(model)/\(file)").write(to: folder.appendingPathComponent(file))
    }
    try Data(tokenizer.bytes()).write(to: folder.appendingPathComponent("tokenizer.json"))
    try Data(template.utf8).write(to: folder.appendingPathComponent("chat_template.jinja"))
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
