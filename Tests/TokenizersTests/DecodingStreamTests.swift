import Testing
import Tokenizers

@Suite("Streamed text")
struct DecodingStreamTests {
  @Test(
    "What streams out, put together, is the decoded whole; no character is ever split",
    arguments: GoldenTests.names)
  func streamed(name: String) throws {
    let tokenizer = try Golden.tokenizer(name)
    let golden = try Golden.load("\(name).cases.json")
    let sequences = golden.cases.map(\.ids) + (golden.broken ?? []).map(\.ids)
    for ids in sequences {
      for skips in [false, true] {
        var stream = tokenizer.makeDecodingStream(skipSpecialTokens: skips)
        var text = ""
        for id in ids { text += stream.push(id) }
        text += stream.finish()
        let whole = tokenizer.decode(ids, skipSpecialTokens: skips)
        #expect(isSame(text, whole), "\(ids)")
      }
    }
  }

  @Test("The bytes of a character come out together, with its last token")
  func bytes() throws {
    let tokenizer = try Golden.tokenizer("gpt2")
    let ids = tokenizer.encode("\u{1f9a9}", addSpecialTokens: false)
    #expect(ids.count > 1)
    var stream = tokenizer.makeDecodingStream(skipSpecialTokens: false)
    let pushed = ids.map { stream.push($0) }
    #expect(pushed == Array(repeating: "", count: ids.count - 1) + ["\u{1f9a9}"])
    #expect(stream.finish().isEmpty)
  }

  @Test("Bytes that never become a character end as U+FFFD")
  func incomplete() throws {
    let tokenizer = try Golden.tokenizer("gpt2")
    let ids = tokenizer.encode("\u{1f9a9}", addSpecialTokens: false)
    var stream = tokenizer.makeDecodingStream(skipSpecialTokens: false)
    #expect(stream.push(ids[0]).isEmpty)
    #expect(stream.finish() == "\u{fffd}")
  }

  @Test("Ids without a token are passed over", arguments: [-1, Token.min, Token.max, 1_000_000])
  func unknownIDs(id: Token) throws {
    let tokenizer = try Golden.tokenizer("llama2")
    let ids = tokenizer.encode("bird", addSpecialTokens: false)
    #expect(tokenizer.decode([id] + ids + [id], skipSpecialTokens: true) == "bird")
  }
}
