import Tokenizers

extension SequenceEncoder {
  /// The tokens of a conversation; its answers are the targets.
  func chat(
    _ messages: [Message], scope: LossScope, line: Int
  ) throws(TrainingError) -> TrainingSequence {
    let messages = try withSystem(messages)
    if scope == .everything {
      let text = try machinery.render(messages, false)
      return sequence(machinery.encode(text, false), targets: [0..<Int.max], line: line)
    }
    var answers = messages.indices.filter { messages[$0].role == "assistant" }
    guard let last = answers.last else { throw noAnswer }
    if scope == .last { answers = [last] }
    // What follows the last answer teaches nothing.
    let text = Array(try machinery.render(Array(messages[...last]), false).utf8)
    guard answers.count <= (256 << 20) / max(1, text.count) else {
      throw TrainingError(
        .badData,
        "a conversation of \(text.count) bytes with \(answers.count) answers is too long to take"
          + " apart; make several rows of it")
    }
    var cuts: [Int] = []
    for answer in answers {
      let prompt = Array(try machinery.render(Array(messages[..<answer]), true).utf8)
      let answered =
        answer == last
        ? text : Array(try machinery.render(Array(messages[...answer]), false).utf8)
      guard answered.starts(with: prompt), answered.count > prompt.count else {
        throw TrainingError(
          .badTemplate,
          "the chat template does not write turn \(answer + 1) after the prompt that asks for it,"
            + " so its answer cannot be told from the question")
      }
      guard text.starts(with: answered) else {
        throw TrainingError(
          .badTemplate,
          "the chat template writes turn \(answer + 1) differently once the conversation goes on;"
            + " learn the last answer only (loss 'last'), or one answer a row")
      }
      cuts += [prompt.count, answered.count]
    }
    let (tokens, places) = try tokenize(text, cuts: cuts, addSpecialTokens: false)
    let targets = stride(from: 0, to: places.count, by: 2).map { places[$0]..<places[$0 + 1] }
    return sequence(tokens, targets: targets, line: line)
  }

  /// The tokens of a question and its answer as they are, and the token that ends a sequence.
  func plain(
    prompt: String, answer: String, ends: Bool, scope: LossScope, _ example: Example
  ) throws(TrainingError) -> TrainingSequence {
    let cut = prompt.utf8.count
    var (tokens, places) = try tokenize(
      Array((prompt + answer).utf8), cuts: [cut], addSpecialTokens: true)
    if ends {
      guard let end = machinery.endOfSequence else {
        throw TrainingError(
          .badTemplate, "the tokenizer names no token that ends a sequence, so answers cannot end")
      }
      tokens.append(end)
    }
    return sequence(
      tokens, targets: [(scope == .everything ? 0 : places[0])..<Int.max], line: example.line)
  }

  /// The tokens of `text`, and how many stand before each of `cuts`.
  ///
  /// The whole text's tokens are taken where none reaches across a cut. Else each part is encoded for itself:
  /// this is what the model reads when it answers a prompt.
  private func tokenize(
    _ text: [UInt8], cuts: [Int], addSpecialTokens: Bool
  ) throws(TrainingError) -> (tokens: [Token], places: [Int]) {
    func string(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
    func encoded(_ text: String, isStart: Bool) -> [Token] {
      addSpecialTokens && isStart ? start(text) : machinery.encode(text, false)
    }
    let all = encoded(string(0..<text.count), isStart: true)
    var places: [Int] = []
    for cut in cuts {
      if cut == text.count {
        places.append(all.count)
        continue
      }
      let before = encoded(string(0..<cut), isStart: true)
      guard all.starts(with: before) else { break }
      places.append(before.count)
    }
    if places.count == cuts.count { return (all, places) }

    var tokens: [Token] = []
    places = []
    var from = 0
    for cut in cuts + [text.count] {
      if cut > from || from == 0 { tokens += encoded(string(from..<cut), isStart: from == 0) }
      places.append(tokens.count)
      from = cut
    }
    guard machinery.decode(tokens).utf8.elementsEqual(machinery.decode(all).utf8) else {
      throw TrainingError(
        .badTemplate,
        "the tokenizer joins the end of a question with the start of its answer, and encodes them"
          + " differently apart; begin the answer without white space")
    }
    return (tokens, Array(places.dropLast()))
  }

  /// The tokens that a sequence starts with: with the token that begins one, without one that ends it.
  func start(_ text: String) -> [Token] {
    var tokens = machinery.encode(text, true)
    if let end = machinery.endOfSequence, tokens.last == end,
      machinery.encode(text, false).last != end
    {
      tokens.removeLast()
    }
    return tokens
  }

  private func sequence(
    _ tokens: [Token], targets: [Range<Int>], line: Int
  ) -> TrainingSequence {
    var marks = [Bool](repeating: false, count: tokens.count)
    for range in targets {
      for index in range.clamped(to: 1..<max(1, tokens.count)) { marks[index] = true }
    }
    return TrainingSequence(tokens: tokens, isTarget: marks, line: line)
  }
}
