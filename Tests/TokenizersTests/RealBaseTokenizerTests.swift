import Checkpoints
import Expect
import Testing
import Tokenizers

@Suite("RealBase: SmolLM2's tokenizer", .serialized)
struct RealBaseTokenizerTests {
  private func tokenizer() throws -> Tokenizer {
    let source = try Checkpoint.open(path: RealBase.path).tokenizerSource
    guard case .embedded(let fields) = source else {
      throw TokenizerError(.missing, "the real base is no GGUF file")
    }
    return try Tokenizer.load(
      vocabulary: GGUFVocabulary(
        model: fields.model, pre: fields.pre, tokens: fields.tokens,
        tokenTypes: fields.tokenTypes, merges: fields.merges, scores: fields.scores,
        beginOfSequence: fields.beginOfSequence, endOfSequence: fields.endOfSequence,
        unknown: fields.unknown, padding: fields.padding,
        addBeginOfSequence: fields.addBeginOfSequence,
        addEndOfSequence: fields.addEndOfSequence, addSpacePrefix: fields.addSpacePrefix))
  }

  @Test("The real vocabulary gives the library's ids and texts, digits apart")
  func goldens() throws {
    let tokenizer = try tokenizer()
    let golden = try Golden.load("smollm2.json")
    golden.check(tokenizer)
    #expect(tokenizer.encode("In 2024", addSpecialTokens: true) == golden.around)
    #expect(golden.around?.map { tokenizer.text(of: $0) } == ["In", "Ġ", "2", "0", "2", "4"])
    for name in LongTexts.names {
      let ids = tokenizer.encode(LongTexts.text(name), addSpecialTokens: false)
      #expect(Golden.summary(ids) == golden.long[name], "\(name)")
    }
  }

  @Test("Its own chat template gives transformers' prompts")
  func template() throws {
    let source = try #require(try Checkpoint.open(path: RealBase.path).chatTemplate)
    let template = try ChatTemplate(source)
    #expect(try ChatTemplateGoldens.check(template, "smollm2", in: "smollm2.json") == 28)
  }

  @Test("Its end of sequence is the end of a chat turn")
  func roles() throws {
    let tokenizer = try tokenizer()
    let end = try #require(tokenizer.endOfSequence)
    #expect(tokenizer.text(of: end) == "<|im_end|>")
    #expect(tokenizer.vocabularySize == 49_152)
    #expect(tokenizer.specialTokens.count == 17)
  }
}
