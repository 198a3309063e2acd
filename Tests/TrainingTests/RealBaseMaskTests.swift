import Checkpoints
import Expect
import Foundation
import Testing
import Tokenizers
import Training

@Suite("RealBase: tokens and targets of SmolLM2's conversations", .serialized)
struct RealBaseMaskTests {
  struct Golden: Decodable {
    struct Row: Decodable {
      var messages: [Message]
      var ids: [Token]
      var all: [[Int]]
      var last: [Int]
      var full: String
    }
    var template: String
    var rows: [Row]
  }

  let golden: Golden
  let checkpoint: Checkpoint
  let tokenizer: Tokenizer

  init() throws {
    golden = try JSONDecoder().decode(Golden.self, from: try Fixtures.data("training/masks.json"))
    checkpoint = try Checkpoint.open(path: RealBase.path)
    guard case .embedded(let found) = try checkpoint.tokenizerSource else {
      throw TrainingError(.cannotRead, "the base brings no vocabulary")
    }
    tokenizer = try Tokenizer.load(
      vocabulary: GGUFVocabulary(
        model: found.model, pre: found.pre, tokens: found.tokens, tokenTypes: found.tokenTypes,
        merges: found.merges, scores: found.scores, beginOfSequence: found.beginOfSequence,
        endOfSequence: found.endOfSequence, unknown: found.unknown, padding: found.padding,
        addBeginOfSequence: found.addBeginOfSequence, addEndOfSequence: found.addEndOfSequence,
        addSpacePrefix: found.addSpacePrefix))
  }

  func encoder(system: String? = nil) throws -> SequenceEncoder {
    let contract = try PromptContract(
      tokenizer: tokenizer, chatTemplate: checkpoint.chatTemplate, system: system,
      endOfSequence: checkpoint.configuration.endOfSequence)
    return try SequenceEncoder(contract: contract, tokenizer: tokenizer, now: Date())
  }

  @Test("agree with transformers for all answers and for the last one")
  func masks() throws {
    #expect(golden.template == checkpoint.chatTemplate)
    #expect(golden.rows.count == 14)
    let encoder = try encoder()
    let rows = try Dataset(examples: golden.rows.map { .chat($0.messages) }, path: "golden")
    for scope in [LossScope.all, .last] {
      let encoded = try encoder.encode(rows, options: .init(scope: scope))
      for (row, sequence) in zip(golden.rows, encoded.sequences) {
        #expect(sequence.tokens == row.ids, "\(row.full)")
        var marks = [Bool](repeating: false, count: row.ids.count)
        for range in scope == .all ? row.all : [row.last] {
          for index in range[0]..<range[1] { marks[index] = true }
        }
        #expect(sequence.isTarget == marks, "\(row.full)")
      }
    }
    for (row, question) in zip(golden.rows, try encoder.questions(rows)) {
      #expect(question.prompt == Array(row.ids[..<row.last[0]]), "\(row.full)")
    }
  }

  @Test("end with the token that ends a turn, under a contract that can be read back")
  func contract() throws {
    let contract = try encoder(system: "Be brief.").contract
    #expect(contract.style == .chat)
    #expect(contract.stops == [.init(token: 2, text: "<|im_end|>")])
    #expect(try PromptContract(canonicalJSON: contract.canonicalJSON) == contract)
    var other = contract
    other.tokenizer = String(repeating: "0", count: 64)
    #expect(throws: TrainingError.self) {
      try SequenceEncoder(contract: other, tokenizer: tokenizer, now: Date())
    }
    let prompt = try encoder(system: "Be brief.").prompt([Message(role: "user", content: "hi")])
    #expect(
      tokenizer.decode(prompt, skipSpecialTokens: false)
        == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )
  }
}
