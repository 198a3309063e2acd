import Foundation
import Testing
import Tokenizers
import Training

@Suite("SequenceEncoder")
struct SequenceEncoderTests {
  func rows(_ examples: Example.Content...) throws -> Dataset {
    try Dataset(examples: examples, path: "rows.jsonl")
  }

  let conversation = Example.Content.chat([
    Message(role: "system", content: "s"), Message(role: "user", content: "one"),
    Message(role: "assistant", content: "first"), Message(role: "user", content: "two"),
    Message(role: "assistant", content: "second"), Message(role: "user", content: "three"),
  ])

  func encode(
    _ content: Example.Content, with encoder: SequenceEncoder = Toy.encoder(),
    _ options: SequenceEncoder.Options = .init()
  ) throws -> TrainingSequence {
    let encoded = try encoder.encode(try rows(content), options: options)
    #expect(encoded.sequences.count == 1)
    return try #require(encoded.sequences.first)
  }

  func message(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return (error as? TrainingError)?.message }
  }

  @Test("learns all answers, the last one or everything")
  func scopes() throws {
    #expect(try encode(conversation).shown == "|first<|im_end|>\n|second<|im_end|>\n")
    #expect(
      try encode(conversation, .init(scope: .last)).shown == "|second<|im_end|>\n")
    let everything = try encode(conversation, .init(scope: .everything))
    #expect(
      everything.isTarget == [false] + Array(repeating: true, count: everything.tokens.count - 1))
    #expect(everything.text.hasSuffix("three<|im_end|>\n"))
  }

  func encode(
    _ content: Example.Content, _ options: SequenceEncoder.Options
  ) throws -> TrainingSequence {
    try encode(content, with: Toy.encoder(), options)
  }

  @Test("writes the recipe's system message first, and refuses another one")
  func system() throws {
    let chat = Example.Content.chat([
      Message(role: "user", content: "a"), Message(role: "assistant", content: "b"),
    ])
    let encoder = Toy.encoder(system: "s")
    #expect(try encode(chat, with: encoder).text.hasPrefix("<|im_start|>system\ns<|im_end|>\n"))
    #expect(
      try encode(conversation, with: encoder).text.hasPrefix("<|im_start|>system\ns<|im_end|>\n"))
    let other = Toy.encoder(system: "t")
    let found = message { _ = try encode(conversation, with: other) }
    #expect(found?.hasPrefix("'rows.jsonl', line 1: ") == true)
    #expect(found?.contains("leave it out, or give the same one") == true)
  }

  @Test("a question by itself takes the system message that the adapter learns with, and no other")
  func questionWithSystem() throws {
    let question = Message(role: "user", content: "a")
    for style in PromptContract.Style.allCases {
      let encoder = Toy.encoder(style, system: "s")
      let prompt = try encoder.prompt([question])
      #expect(try encoder.prompt([Message(role: "system", content: "s"), question]) == prompt)
      let found = message {
        _ = try encoder.prompt([Message(role: "system", content: "t"), question])
      }
      #expect(found?.contains("other than the one that the adapter learns with") == true)
    }
    let free = try Toy.encoder(.plain).prompt([Message(role: "system", content: "t"), question])
    #expect(Toy.decode(free) == "t\n\na")
  }

  @Test("refuses a template that rewrites earlier answers, but learns the last one with it")
  func rewriting() throws {
    let encoder = Toy.encoder(template: Toy.thinking)
    let found = message { _ = try encode(conversation, with: encoder) }
    #expect(found?.contains("turn 3") == true)
    #expect(found?.contains("loss 'last'") == true)
    #expect(
      try encode(conversation, with: encoder, .init(scope: .last)).shown
        == "|<think></think>second<|im_end|>\n")
  }

  @Test("refuses a template whose prompt is no start of the answered conversation")
  func unstable() {
    let found = message {
      _ = try encode(conversation, with: Toy.encoder(template: Toy.unstable))
    }
    #expect(found?.contains("cannot be told from the question") == true)
  }

  @Test("keeps the prompt's own tokens where the whole text would join them with the answer")
  func joinedTokens() throws {
    let chat = Example.Content.chat([
      Message(role: "user", content: "a"), Message(role: "assistant", content: "\nb"),
    ])
    let sequence = try encode(chat)
    #expect(sequence.shown == "|\nb<|im_end|>\n")
    let question = try #require(try Toy.encoder().questions(try rows(chat)).first)
    #expect(sequence.tokens.starts(with: question.prompt))
    #expect(question.reference == "\nb")
  }

  @Test("writes a prompt and its completion as turns, or plainly with an end where asked to")
  func completions() throws {
    let row = Example.Content.completion(
      .init(prompt: "say", separator: "\n", completion: " hello"))
    #expect(
      try encode(row).text
        == "<|im_start|>user\nsay<|im_end|>\n<|im_start|>assistant\n hello<|im_end|>\n")
    #expect(try encode(row).shown == "| hello<|im_end|>\n")
    let plain = try encode(row, with: Toy.encoder(.plain, marks: true))
    #expect(plain.text == "<s>say\n hello</s>")
    #expect(plain.shown == "|\n hello</s>")
    // "say hello" is one token of the whole text.
    let joined = Example.Content.completion(.init(prompt: "say", completion: " hello"))
    #expect(try encode(joined, with: Toy.encoder(.plain)).shown == "| hello</s>")
    #expect(
      try encode(joined, with: Toy.encoder(.plain), .init(scope: .everything)).isTarget
        == [false] + Array(repeating: true, count: 9))
  }

  @Test("says what to do where conversations meet a base without a chat template")
  func noTemplate() {
    let found = message { _ = try encode(conversation, with: Toy.encoder(.plain)) }
    #expect(found?.contains("add chat_template.jinja") == true)
  }

  @Test("refuses a conversation without an answer")
  func noAnswer() {
    let chat = Example.Content.chat([Message(role: "user", content: "a")])
    #expect(message { _ = try encode(chat) }?.contains("'assistant'") == true)
    #expect(throws: TrainingError.self) { try Toy.encoder().questions(try rows(chat)) }
  }

  @Test("asks what each row ends with")
  func questions() throws {
    let row = Example.Content.completion(.init(prompt: "q", completion: "a"))
    let text = Example.Content.text("t", isComplete: true)
    let questions = try Toy.encoder().questions(try rows(text, conversation, row))
    #expect(questions.map(\.line) == [2, 3])
    #expect(questions.map(\.reference) == ["second", "a"])
    #expect(
      Toy.decode(questions[1].prompt) == "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n")
    #expect(Toy.decode(questions[0].prompt).hasSuffix("two<|im_end|>\n<|im_start|>assistant\n"))
  }

  @Test("refuses a question that no answer can follow, and names its row")
  func questionsWithoutAnswer() throws {
    func row(_ prompt: String) -> Example.Content {
      .completion(.init(prompt: prompt, completion: "b"))
    }
    let empty = try rows(row("a"), row(""))
    let found = message { _ = try Toy.encoder(.plain).questions(empty) }
    #expect(found?.hasPrefix("'rows.jsonl', line 2: the prompt is empty") == true)
    #expect(try Toy.encoder(.plain, marks: true).questions(empty).map(\.prompt.count) == [2, 1])
    let long = try rows(row("aaaaaaaa"))
    #expect(try Toy.encoder(.plain).questions(long, contextLength: 9).count == 1)
    let told = message { _ = try Toy.encoder(.plain).questions(long, contextLength: 8) }
    #expect(
      told?.hasPrefix(
        "'rows.jsonl', line 1: the prompt is 8 tokens long, which leaves no room for an answer")
        == true)
  }

  @Test(
    "cuts the question before the answer, and the answer only where it leaves the question no quarter of the room"
  )
  func keepAnswer() throws {
    let row = Example.Content.completion(
      .init(prompt: "0123456789", completion: "abcdef"))
    let encoder = Toy.encoder(.plain, marks: true)
    func cut(_ length: Int) throws -> TrainingSequence {
      try encode(row, with: encoder, .init(maximumLength: length))
    }
    #expect(try cut(18).text == "<s>0123456789abcdef</s>")
    #expect(try cut(17).text == "<s>123456789abcdef</s>")
    #expect(try cut(10).text == "<s>89abcdef</s>")
    #expect(try cut(10).shown == "|abcdef</s>")
    #expect(try cut(7).text == "<s>abcdef")
    #expect(try cut(4).shown == "|abc")
    let start = try encode(
      row, with: encoder, .init(maximumLength: 13, truncation: .keepStart))
    #expect(start.text == "<s>0123456789ab")
  }

  @Test("counts what was cut and left out")
  func report() throws {
    func row(_ prompt: String, _ completion: String) -> Example.Content {
      .completion(.init(prompt: prompt, completion: completion))
    }
    let dataset = try rows(row("a", "b"), row("aaaaaaaaaa", "b"), row("a", "bbbbbbbbbbbb"))
    let encoder = Toy.encoder(.plain)
    let cut = try encoder.encode(dataset, options: .init(maximumLength: 8)).report
    #expect((cut.rows, cut.sequences, cut.truncated, cut.dropped) == (3, 3, 2, 0))
    #expect((cut.tokens, cut.targets, cut.longest) == (3 + 8 + 8, 2 + 2 + 7, 14))
    #expect(
      cut.warning(maximumLength: 8)
        == "of 3 rows, 2 were cut: the longest has 14 tokens, and at most 8 are allowed")
    let start = try encoder.encode(
      dataset, options: .init(maximumLength: 8, truncation: .keepStart)
    ).report
    #expect((start.sequences, start.truncated, start.dropped) == (2, 1, 1))
    let drop = try encoder.encode(dataset, options: .init(maximumLength: 8, truncation: .drop))
    #expect((drop.report.sequences, drop.report.truncated, drop.report.dropped) == (1, 0, 2))
    let found = message {
      _ = try encoder.encode(
        try rows(row("aaaaaaaaaa", "b")), options: .init(maximumLength: 8, truncation: .drop))
    }
    #expect(found?.contains("leaves nothing to learn: 1 of 1 rows") == true)
  }

  @Test("parts a long text into sequences without losing a token", arguments: [false, true])
  func longText(marks: Bool) throws {
    let text = String((0..<50).map { Character(UnicodeScalar(UInt8(48 + $0))) })
    let encoded = try Toy.encoder(.plain, marks: marks).encode(
      try rows(.text(text, isComplete: true)), options: .init(maximumLength: 9))
    let joined = encoded.sequences.map { $0.tokens.filter { $0 != 258 } }.flatMap(\.self)
    #expect(joined == Toy.encode(text) + [259])
    #expect(encoded.sequences.allSatisfy { $0.tokens.count <= 9 && !$0.isTarget[0] })
    #expect(encoded.sequences.allSatisfy { ($0.tokens.first == 258) == marks })
    #expect(encoded.report.truncated == 0)
    #expect(encoded.report.targets == encoded.report.tokens - encoded.report.sequences)
  }
}

@Suite("PromptContract")
struct PromptContractTests {
  let contract = PromptContract(
    style: .chat, chatTemplate: "{{ \"é\" }}\n", system: "Be brief.", beginOfSequence: "<s>",
    endOfSequence: "</s>", stops: [.init(token: 7, text: "b"), .init(token: 2, text: "</s>")],
    tokenizer: "0123456789abcdef")

  @Test("is written as one canonical text and read back")
  func canonical() throws {
    let text = String(decoding: contract.canonicalJSON, as: UTF8.self)
    #expect(
      text == #"{"beginOfSequence":"<s>","chatTemplate":"{{ \"é\" }}\n","endOfSequence":"</s>","#
        + #""stops":[{"text":"</s>","token":2},{"text":"b","token":7}],"style":"chat","#
        + #""system":"Be brief.","tokenizer":"0123456789abcdef","version":1}"#)
    #expect(try PromptContract(canonicalJSON: contract.canonicalJSON) == contract)
  }

  @Test("refuses another tokenizer and a text that is no contract")
  func refusals() throws {
    try contract.check(tokenizer: "0123456789abcdef")
    #expect(throws: TrainingError.self) { try contract.check(tokenizer: "abcdef") }
    for text in ["", "{}", #"{"version":2}"#, #"{"version":1,"style":"chat","tokenizer":"a"}"#] {
      #expect(throws: TrainingError.self) { try PromptContract(canonicalJSON: Data(text.utf8)) }
    }
  }
}
