import Tokenizers
import Training

/// A tokenizer whose tokens are bytes, but for a few texts that are one token each, and three templates.
enum Toy {
  static let pieces = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", "\n\n", "say hello"]

  static func encode(_ text: String) -> [Token] {
    var rest = Array(text.utf8)[...]
    var tokens: [Token] = []
    while let byte = rest.first {
      if let piece = pieces.firstIndex(where: { rest.starts(with: $0.utf8) }) {
        tokens.append(Token(256 + piece))
        rest = rest.dropFirst(pieces[piece].utf8.count)
      } else {
        tokens.append(Token(byte))
        rest = rest.dropFirst()
      }
    }
    return tokens
  }

  static func decode(_ tokens: [Token]) -> String {
    String(
      decoding: tokens.flatMap { $0 < 256 ? [UInt8($0)] : Array(pieces[Int($0) - 256].utf8) },
      as: UTF8.self)
  }

  static func chatML(_ messages: [Message], _ addGenerationPrompt: Bool) -> String {
    messages.map { "<|im_start|>\($0.role)\n\($0.content)<|im_end|>\n" }.joined()
      + (addGenerationPrompt ? "<|im_start|>assistant\n" : "")
  }

  /// As Qwen3: the last answer alone shows that it was not thought about.
  static func thinking(_ messages: [Message], _ addGenerationPrompt: Bool) -> String {
    let last = messages.last?.role == "assistant" ? messages.count - 1 : -1
    let shown = messages.enumerated().map { index, message in
      index == last
        ? Message(role: message.role, content: "<think></think>" + message.content) : message
    }
    return chatML(shown, addGenerationPrompt)
  }

  /// Asks for an answer with words that it does not write before one.
  static func unstable(_ messages: [Message], _ addGenerationPrompt: Bool) -> String {
    chatML(messages, false) + (addGenerationPrompt ? "<|im_start|>assistant\n<think>\n" : "")
  }

  static func encoder(
    _ style: PromptContract.Style = .chat, system: String? = nil, marks: Bool = false,
    template: @escaping @Sendable ([Message], Bool) -> String = chatML
  ) -> SequenceEncoder {
    let contract = PromptContract(
      style: style, chatTemplate: style == .chat ? "toy" : nil, system: system, stops: [],
      tokenizer: "toy")
    return SequenceEncoder(
      contract: contract,
      machinery: .init(
        encode: { text, special in (special && marks ? [258] : []) + encode(text) },
        decode: decode,
        render: { messages, prompt throws(TrainingError) in template(messages, prompt) },
        beginOfSequence: marks ? 258 : nil, endOfSequence: 259))
  }
}

extension TrainingSequence {
  /// The learnt text, and a bar in place of the rest.
  var shown: String {
    var text = ""
    var run: [Token] = []
    for (token, target) in zip(tokens, isTarget) {
      if target {
        run.append(token)
      } else {
        text += Toy.decode(run)
        run = []
        if text.last != "|" { text += "|" }
      }
    }
    return text + Toy.decode(run)
  }

  var text: String { Toy.decode(tokens) }
}
