import Testing
import Tokenizers

@Suite("Tokens equal the real libraries'")
struct GoldenTests {
  static let names = [
    "gpt2", "llama3", "qwen2", "smollm", "tekken", "o200k", "llama2", "mistral", "metaspace",
    "flags",
  ]

  @Test("tokenizer.json gives the library's ids and texts", arguments: names)
  func tokenizerJSON(name: String) throws {
    let tokenizer = try Golden.tokenizer(name)
    let golden = try Golden.load("\(name).cases.json")
    golden.check(tokenizer)
    if let bare = golden.bare, let around = golden.around {
      #expect(tokenizer.encode(bare, addSpecialTokens: true) == around)
    }
  }

  @Test(
    "A GGUF file's vocabulary gives the same ids as the tokenizer.json it was made of",
    arguments: ["gpt2", "llama3", "qwen2", "smollm", "tekken"])
  func gguf(name: String) throws {
    let tokenizer = try Tokenizer.load(vocabulary: Golden.vocabulary(name))
    try Golden.load("\(name).cases.json").check(tokenizer)
  }

  @Test("A GGUF file's scores give SentencePiece's own ids")
  func sentencePiece() throws {
    let tokenizer = try Tokenizer.load(vocabulary: Golden.vocabulary("sentencepiece"))
    let golden = try Golden.load("sentencepiece.cases.json")
    for entry in golden.cases {
      let ids = tokenizer.encode(entry.text, addSpecialTokens: false, findsSpecialTokens: false)
      #expect(ids == entry.ids, "\(entry.text.debugDescription)")
    }
  }
}

@Suite("Long texts")
struct LongTextTests {
  @Test(
    "Every code point, and words of a million characters, give the library's ids",
    arguments: LongTexts.names)
  func long(name: String) throws {
    let text = LongTexts.text(name)
    for fixture in GoldenTests.names {
      let ids = try Golden.tokenizer(fixture).encode(text, addSpecialTokens: false)
      let expected = try Golden.load("\(fixture).cases.json").long[name]
      #expect(Golden.summary(ids) == expected, "\(fixture)")
    }
    guard let expected = try Golden.load("sentencepiece.cases.json").long[name] else { return }
    let tokenizer = try Tokenizer.load(vocabulary: Golden.vocabulary("sentencepiece"))
    let ids = tokenizer.encode(text, addSpecialTokens: false, findsSpecialTokens: false)
    #expect(Golden.summary(ids) == expected, "sentencepiece")
  }
}
