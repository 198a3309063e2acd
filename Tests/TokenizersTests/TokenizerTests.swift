import Testing
import Tokenizers

@Suite("Tokenizer")
struct TokenizerTests {
  @Test("Special tokens in a text are text where they are not looked for")
  func specialTokensAsText() throws {
    let tokenizer = try Golden.tokenizer("qwen2")
    let begin = try #require(tokenizer.token(for: "<|im_start|>"))
    let text = "a<|im_start|>b"
    #expect(tokenizer.encode(text, addSpecialTokens: false).contains(begin))
    let ids = tokenizer.encode(text, addSpecialTokens: false, findsSpecialTokens: false)
    #expect(!ids.contains(begin))
    #expect(tokenizer.decode(ids, skipSpecialTokens: true) == text)
  }

  @Test("No text has fewer tokens than its bytes allow", arguments: GoldenTests.names)
  func fewestTokens(name: String) throws {
    let tokenizer = try Golden.tokenizer(name)
    var texts = try Golden.load("\(name).cases.json").cases.map(\.text)
    texts += ["a", " ", "\n"].map { String(repeating: $0, count: 10_000) }
    // Where letters are composed, seven bytes become two.
    texts += ["", String(repeating: "\u{1fbe}\u{308}\u{301}", count: 1000)]
    texts += tokenizer.specialTokens.keys.map { String(repeating: $0, count: 100) }
    texts += (0..<tokenizer.vocabularySize).map {
      String(repeating: tokenizer.decode([Token($0)], skipSpecialTokens: false), count: 100)
    }
    for text in texts {
      let count = tokenizer.encode(text, addSpecialTokens: false).count
      let fewest = tokenizer.fewestTokens(utf8Count: text.utf8.count)
      #expect(fewest <= count, "\(text.prefix(80).debugDescription)")
    }
    // Added tokens that take white space, and unknown letters that become one token, have no bound.
    let hasBound = name != "flags" && name != "metaspace"
    #expect((tokenizer.fewestTokens(utf8Count: 1 << 23) > 10_000) == hasBound)
  }

  @Test("Special tokens are shown where the text is to be encoded again")
  func shownSpecialTokens() throws {
    let tokenizer = try Golden.tokenizer("qwen2")
    let text = "<|im_start|>user\nhi<|im_end|>\n"
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    #expect(tokenizer.decode(ids, skipSpecialTokens: false) == text)
    #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "user\nhi\n")
  }

  @Test("The files' special tokens are known by name, id and role")
  func roles() throws {
    let tokenizer = try Golden.tokenizer("llama3")
    let begin = try #require(tokenizer.beginOfSequence)
    let end = try #require(tokenizer.endOfSequence)
    #expect(tokenizer.text(of: begin) == "<|begin_of_text|>")
    #expect(tokenizer.text(of: end) == "<|eot_id|>")
    #expect(tokenizer.isSpecial(begin) && tokenizer.isSpecial(end) && !tokenizer.isSpecial(65))
    #expect(tokenizer.specialTokens["<|eot_id|>"] == end)
    #expect(Int(tokenizer.specialTokens.values.max() ?? 0) + 1 == tokenizer.vocabularySize)
    #expect(tokenizer.text(of: -1) == nil && tokenizer.text(of: Token.max) == nil)
  }

  @Test("Added tokens that are not special are kept when special ones are left out")
  func addedTokens() throws {
    let tokenizer = try Golden.tokenizer("qwen2")
    let ids = tokenizer.encode("<|im_start|><tool_call>x", addSpecialTokens: false)
    #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "<tool_call>x")
  }

  @Test("The description to hash is the same for the same files and differs for others")
  func digest() throws {
    let names = GoldenTests.names
    let digests = try names.map { try Golden.tokenizer($0).digestBytes() }
    #expect(Set(digests).count == names.count)
    #expect(try Golden.tokenizer("llama3").digestBytes() == digests[1])
    var vocabulary = try Golden.vocabulary("smollm")
    let before = try Tokenizer.load(vocabulary: vocabulary).digestBytes()
    vocabulary.merges.swapAt(10, 11)
    let after = try Tokenizer.load(vocabulary: vocabulary).digestBytes()
    #expect(before != after)
  }

  @Test("Many threads may encode with one tokenizer")
  func threads() async throws {
    let tokenizer = try Golden.tokenizer("llama3")
    let golden = try Golden.load("llama3.cases.json")
    let isRight = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          golden.cases.allSatisfy { tokenizer.encode($0.text, addSpecialTokens: false) == $0.ids }
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(isRight)
  }

  @Test("A full word cache starts again and changes nothing")
  func fullCache() throws {
    let tokenizer = try Golden.tokenizer("gpt2")
    let words = (0..<40_000).map { " w\($0)" }
    let whole = tokenizer.encode(words.joined(), addSpecialTokens: false)
    let single = words.flatMap { word in tokenizer.encode(word, addSpecialTokens: false) }
    #expect(whole == single)
  }
}
