import JSON

/// Writes GGUF files that hold a vocabulary and no tensors.
struct GGUFWriter {
  private var bytes: [UInt8] = []
  private var entries = 0

  /// A file with the vocabulary that `fields`, a fixture of the tokenizers' tests, describe.
  static func vocabulary(_ fields: JSONValue) -> [UInt8] {
    var writer = GGUFWriter()
    writer.text("model", fields["model"]?.stringValue)
    writer.text("pre", fields["pre"]?.stringValue)
    for key in ["tokens", "merges"] { writer.texts(key, fields[key]?.arrayValue) }
    writer.numbers("token_type", type: 5, fields["tokenTypes"]?.arrayValue) {
      UInt32(truncatingIfNeeded: $0.intValue ?? 0)
    }
    writer.numbers("scores", type: 6, fields["scores"]?.arrayValue) {
      Float($0.doubleValue ?? 0).bitPattern
    }
    for (key, name) in [("bos", "bos"), ("eos", "eos"), ("unk", "unknown")] {
      guard let token = fields[key]?.intValue else { continue }
      writer.entry("\(name)_token_id", type: 4)
      writer.number(UInt32(truncatingIfNeeded: token))
    }
    return writer.file
  }

  private var file: [UInt8] {
    var head = GGUFWriter()
    head.bytes = Array("GGUF".utf8)
    head.number(UInt32(3))
    head.number(UInt64(0))
    head.number(UInt64(entries))
    return head.bytes + bytes
  }

  private mutating func number<Number: FixedWidthInteger>(_ number: Number) {
    for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
    }
  }

  private mutating func string(_ text: String) {
    number(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  private mutating func entry(_ key: String, type: UInt32) {
    entries += 1
    string("tokenizer.ggml." + key)
    number(type)
  }

  private mutating func text(_ key: String, _ value: String?) {
    guard let value else { return }
    entry(key, type: 8)
    string(value)
  }

  private mutating func texts(_ key: String, _ values: [JSONValue]?) {
    guard let values, !values.isEmpty else { return }
    entry(key, type: 9)
    number(UInt32(8))
    number(UInt64(values.count))
    for value in values { string(value.stringValue ?? "") }
  }

  private mutating func numbers(
    _ key: String, type: UInt32, _ values: [JSONValue]?, _ bits: (JSONValue) -> UInt32
  ) {
    guard let values, !values.isEmpty else { return }
    entry(key, type: 9)
    number(type)
    number(UInt64(values.count))
    for value in values { number(bits(value)) }
  }
}
