import Expect
import Foundation
import Testing
import Tokenizers

/// The ids and texts that the real libraries made of one tokenizer, and the tokenizer itself.
struct Golden: Decodable {
  struct Case: Decodable {
    var text: String
    var ids: [Token]
    /// The text of the ids; absent where it is `text`.
    var decoded: String?
    /// The same without special tokens; absent where it is `decoded`.
    var skipped: String?
  }

  /// The ids of a text that a rule makes: how many, and FNV-1a over their bytes.
  struct Long: Decodable, Equatable {
    var count: Int
    var fnv: String
  }

  struct Broken: Decodable {
    var ids: [Token]
    var decoded: String
  }

  var cases: [Case]
  var long: [String: Long]
  /// Ids in no sensible order.
  var broken: [Broken]?
  /// A plain text, and its ids with special tokens around.
  var bare: String?
  var around: [Token]?

  /// The goldens of a fixture.
  static func load(_ name: String) throws -> Golden {
    try JSONDecoder().decode(Golden.self, from: Fixtures.data("tokenizers/\(name)"))
  }

  /// The tokenizer.json fixture of a name, with its tokenizer_config.json.
  static func tokenizer(_ name: String) throws -> Tokenizer {
    try Tokenizer.load(
      tokenizerJSON: Fixtures.data("tokenizers/\(name).json"),
      configuration: try? Fixtures.data("tokenizers/\(name).config.json"))
  }

  private struct Fields: Decodable {
    var model: String
    var pre: String?
    var tokens: [String]
    var tokenTypes: [Int]
    var merges: [String]?
    var scores: [Float]?
    var bos: Int?
    var eos: Int?
    var unk: Int?
  }

  /// The fields of a GGUF file's vocabulary.
  static func vocabulary(_ name: String) throws -> GGUFVocabulary {
    let fields = try JSONDecoder().decode(
      Fields.self, from: Fixtures.data("tokenizers/\(name).gguf.json"))
    return GGUFVocabulary(
      model: fields.model, pre: fields.pre, tokens: fields.tokens, tokenTypes: fields.tokenTypes,
      merges: fields.merges ?? [], scores: fields.scores ?? [], beginOfSequence: fields.bos,
      endOfSequence: fields.eos, unknown: fields.unk)
  }

  /// How a list of ids stands in `long`.
  static func summary(_ ids: [Token]) -> Long {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for id in ids {
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        hash = (hash ^ UInt64(UInt32(bitPattern: id) >> shift & 255)) &* 0x100_0000_01b3
      }
    }
    let text = String(hash, radix: 16)
    return Long(count: ids.count, fnv: String(repeating: "0", count: 16 - text.count) + text)
  }
}

extension Golden {
  /// Encodes and decodes every case.
  func check(_ tokenizer: Tokenizer) {
    for entry in cases {
      let name = entry.text.debugDescription
      let ids = tokenizer.encode(entry.text, addSpecialTokens: false)
      #expect(ids == entry.ids, "ids of \(name)")
      let decoded = tokenizer.decode(entry.ids, skipSpecialTokens: false)
      let expected = entry.decoded ?? entry.text
      #expect(isSame(decoded, expected), "text of \(name): \(decoded.debugDescription)")
      let skipped = tokenizer.decode(entry.ids, skipSpecialTokens: true)
      #expect(
        isSame(skipped, entry.skipped ?? expected),
        "text without special tokens of \(name): \(skipped.debugDescription)")
    }
    for entry in broken ?? [] {
      let decoded = tokenizer.decode(entry.ids, skipSpecialTokens: false)
      #expect(isSame(decoded, entry.decoded), "\(entry.ids): \(decoded.debugDescription)")
    }
  }
}

/// Whether two texts are the same code points; `==` would take canonically equivalent ones for
/// equal.
func isSame(_ first: String, _ second: String) -> Bool {
  first.unicodeScalars.elementsEqual(second.unicodeScalars)
}
