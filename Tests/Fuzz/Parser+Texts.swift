import Checkpoints
import CommandLineTool
import Expect
import Foundation
import JSON
import Lorikeet
import Tensors
import Tokenizers

extension Parser {
  static func json() throws -> Parser {
    let samples = [
      Sample("adapter", try Fixtures.data("adapters/rslora-patterns/adapter_config.json"), .json),
      Sample(
        "values", Array(#"[{"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00\n"],"b":{}}]"#.utf8), .json
      ),
    ]
    return Parser(samples) { _, bytes in
      let value = try JSONValue(parsing: bytes)
      let again = try JSONValue(parsing: value.bytes())
      try require(again == value, "written again, it is another value")
    }
  }

  static func tokenizer() throws -> Parser {
    let names = ["gpt2", "llama2", "llama3", "metaspace", "flags"]
    let llama2 = try Fixtures.data("tokenizers/llama2.json")
    var samples = try names.map { Sample($0, try Fixtures.data("tokenizers/\($0).json"), .json) }
    samples.append(
      Sample("configuration", try Fixtures.data("tokenizers/llama2.config.json"), .json))
    return Parser(samples, slowness: 2) { sample, bytes in
      let isConfiguration = sample.name == "configuration"
      try use(
        try Tokenizer.load(
          tokenizerJSON: isConfiguration ? llama2 : Data(bytes),
          configuration: isConfiguration ? Data(bytes) : nil))
    }
  }

  static func ggufVocabulary() throws -> Parser {
    let samples = try ["gpt2", "sentencepiece"].map { name in
      let fields = try JSONValue(parsing: try Fixtures.data("tokenizers/\(name).gguf.json"))
      return Sample(name, GGUFWriter.vocabulary(fields), .binary)
    }
    return Parser(samples) { _, bytes in
      let vocabulary = try EmbeddedVocabulary(try GGUFFile(parsing: Bytes(bytes)))
      try use(try Tokenizer.load(.embedded(vocabulary)))
    }
  }

  /// Encodes and decodes texts of all kinds, and tokens in no sensible order.
  static func use(_ tokenizer: Tokenizer) throws {
    let texts = [
      "", "Hello  wörld 123\n\n<|im_start|>", "e\u{301}\u{FEFF}\u{0}🙂🏳️‍🌈 \u{E000}",
      String(repeating: "a", count: 3000) + String(repeating: " \n", count: 500),
    ]
    for text in texts {
      let tokens = tokenizer.encode(text, addSpecialTokens: true)
      _ = tokenizer.decode(tokens, skipSpecialTokens: false)
      for token in tokens where token < 0 || token >= tokenizer.vocabularySize {
        throw Complaint(message: "token \(token) of a vocabulary of \(tokenizer.vocabularySize)")
      }
    }
    _ = tokenizer.decode([0, -1, .max, 2, 1, .min, 300], skipSpecialTokens: true)
    _ = tokenizer.digestBytes()
  }

  static func template() throws -> Parser {
    let names = [
      "brackets-tools", "chatml-thinking", "chatml-tools", "headers-tools", "macros", "pipes",
      "turns",
    ]
    let samples = try names.map {
      Sample(
        $0, try Fixtures.data("templates/\($0).jinja"), .text(pieces: Mutator.templatePieces))
    }
    return Parser(samples, slowness: 2) { _, bytes in
      guard let text = String(validating: bytes, as: UTF8.self) else { return }
      try render(text)
    }
  }

  /// Renders a conversation within limits that are the real ones made smaller, so that a case takes a moment.
  static func render(_ text: String) throws {
    var limits = TemplateLimits()
    limits.steps = 200_000
    limits.outputBytes = 1 << 20
    let template = try ChatTemplate(text, limits: limits)
    let messages = [
      Message(role: "user", content: "Hej {{ x }}"),
      Message(role: "assistant", content: "<think>a</think>é"), Message(role: "user", content: ""),
    ]
    let prompt = try template.render(
      messages, addGenerationPrompt: true,
      variables: [
        "bos_token": .string("<s>"), "eos_token": .string("</s>"),
        "tools": .list([
          .dictionary([
            "function": .dictionary(["name": .string("f"), "parameters": .dictionary([:])])
          ])
        ]),
      ],
      now: Date(timeIntervalSince1970: 1_732_222_222))
    try require(prompt.utf8.count <= limits.outputBytes, "a prompt of \(prompt.utf8.count) bytes")
  }

  static func gate() throws -> Parser {
    let gates = [
      "accuracy >= previous", "loss < base - 0.5", "macroF1 >= 0.25", "loss<=previous+1e-3",
    ]
    let pieces =
      ["previous", "base", "+", "-", "1e999", "-0", "nan", "inf", "0x1p3"] + Mutator.rowPieces
    return Parser(gates.map { Sample("gate", $0.utf8, .text(pieces: pieces)) }) { _, bytes in
      let gate = try Gate(String(decoding: bytes, as: UTF8.self))
      try require(try Gate(gate.description) == gate, "written again, it is another gate")
    }
  }

  static func arguments() throws -> Parser {
    let lines = [
      "train\nAdapters/persona-nova\n--lr\n1e-4\n--json\n--quiet",
      "list\n--tag\na\n--limit\n5\n--registry=r", "show\nacme/a@3\n--no-color",
      "generate\n--with\nacme/a:production\n--stop=x\n--\n-x",
    ]
    let pieces =
      [
        "--", "-", "=", "\n", "--json", "--help", "-h", "help", "--limit", "\n\n", "--registry=",
        "é",
      ]
      + Tool.commands.flatMap(\.spec.path) + Mutator.rowPieces
    let samples = lines.map { Sample("line", $0.utf8, .text(pieces: pieces)) }
    let parser = ArgumentParser(commands: Tool.commands.map(\.spec), globals: Tool.globals)
    return Parser(samples) { _, bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if case .help(let words) = try parser.parse(text.components(separatedBy: "\n")) {
        _ = Help(parser).page(words)
      }
    }
  }
}
