public import Tokenizers

/// Turns rows into tokens under a prompt contract.
///
/// An answer is what the chat template writes after the prompt that asks for it: its text, the marker that
/// ends the turn and what follows up to the next turn. This is
/// `full[len(prompt):]` for `prompt = apply_chat_template(turns before, add_generation_prompt=True)` and
/// `full = apply_chat_template(turns so far)`.
public struct SequenceEncoder: Sendable {
  /// How rows are cut and marked.
  public struct Options: Sendable, Equatable {
    /// Which tokens are learnt.
    public var scope: LossScope
    /// Tokens that a sequence may have.
    public var maximumLength: Int
    /// What becomes of longer rows.
    public var truncation: Truncation

    /// The defaults: all answers, 1024 tokens.
    public init(
      scope: LossScope = .all, maximumLength: Int = 1024, truncation: Truncation = .keepAnswer
    ) {
      self.scope = scope
      self.maximumLength = maximumLength
      self.truncation = truncation
    }
  }

  /// What is needed of a tokenizer and its chat template.
  package struct Machinery: Sendable {
    package var encode: @Sendable (_ text: String, _ addSpecialTokens: Bool) -> [Token]
    package var decode: @Sendable ([Token]) -> String
    package var render:
      @Sendable (_ messages: [Message], _ addGenerationPrompt: Bool) throws(TrainingError) -> String
    package var beginOfSequence: Token?
    package var endOfSequence: Token?

    package init(
      encode: @escaping @Sendable (String, Bool) -> [Token],
      decode: @escaping @Sendable ([Token]) -> String,
      render: @escaping @Sendable ([Message], Bool) throws(TrainingError) -> String,
      beginOfSequence: Token?, endOfSequence: Token?
    ) {
      self.encode = encode
      self.decode = decode
      self.render = render
      self.beginOfSequence = beginOfSequence
      self.endOfSequence = endOfSequence
    }
  }

  /// The terms that rows are written under.
  public let contract: PromptContract
  let machinery: Machinery

  package init(contract: PromptContract, machinery: Machinery) {
    self.contract = contract
    self.machinery = machinery
  }

  /// The sequences of all rows of `dataset`.
  /// - Throws: `TrainingError` that names file and line, and where nothing to learn is left.
  public func encode(
    _ dataset: Dataset, options: Options = Options()
  ) throws(TrainingError) -> EncodedDataset {
    guard options.maximumLength >= 2 else {
      throw TrainingError(.badRecipe, "a sequence needs at least 2 tokens to learn from")
    }
    var encoded = EncodedDataset(sequences: [], report: EncodingReport())
    for example in dataset.examples {
      do throws(TrainingError) {
        let sequence = try whole(example, scope: options.scope)
        encoded.add(cut(sequence, example: example, options: options), of: sequence)
      } catch {
        throw TrainingError(error.code, "\(dataset.place(of: example)): \(error.message)")
      }
    }
    guard !encoded.sequences.isEmpty else {
      throw TrainingError(
        .badData,
        "'\(dataset.path)' leaves nothing to learn: \(encoded.report.dropped) of"
          + " \(encoded.report.rows) rows have no answer within \(options.maximumLength) tokens"
          + " (the longest row has \(encoded.report.longest))")
    }
    return encoded
  }

  /// The questions that the rows of `dataset` end with; rows of plain text ask none.
  /// - Parameter contextLength: The tokens that the model can read; the answer begins within them.
  /// - Throws: `TrainingError` that names file and line, also of a question without a token and of one that leaves
  ///   its answer no room.
  public func questions(
    _ dataset: Dataset, contextLength: Int = .max
  ) throws(TrainingError) -> [Question] {
    var found: [Question] = []
    for example in dataset.examples {
      do throws(TrainingError) {
        guard let question = try question(example) else { continue }
        try Question.check(question.prompt, contextLength: contextLength)
        found.append(question)
      } catch {
        throw TrainingError(error.code, "\(dataset.place(of: example)): \(error.message)")
      }
    }
    return found
  }

  /// The tokens of a conversation up to where the assistant's next answer begins.
  public func prompt(_ messages: [Message]) throws(TrainingError) -> [Token] {
    switch contract.style {
    case .chat:
      return machinery.encode(try machinery.render(try withSystem(messages), true), false)
    case .plain:
      let system = messages.first.flatMap { $0.role == "system" ? $0.content : nil }
      let turns = messages.dropFirst(system == nil ? 0 : 1)
      guard turns.count == 1, let message = turns.first, message.role == "user" else {
        throw TrainingError(
          .badTemplate,
          "without a chat template there is one question and no conversation; the adapter learnt"
            + " from plain prompts")
      }
      return start(try plainPrompt(system: system, message.content))
    }
  }

  private func question(_ example: Example) throws(TrainingError) -> Question? {
    switch example.content {
    case .text: return nil
    case .completion(let row) where contract.style == .plain:
      return Question(
        prompt: start(try plainPrompt(system: row.system, row.prompt)), text: row.prompt,
        reference: row.completion, line: example.line)
    case .completion, .chat:
      let messages = try messages(of: example)
      guard let last = messages.lastIndex(where: { $0.role == "assistant" }) else {
        throw noAnswer
      }
      return Question(
        prompt: try prompt(Array(messages[..<last])), text: messages[..<last].last?.content ?? "",
        reference: messages[last].content, line: example.line)
    }
  }

  /// All tokens of a row with its marks, however long.
  private func whole(
    _ example: Example, scope: LossScope
  ) throws(TrainingError) -> TrainingSequence {
    switch example.content {
    case .text(let text, let isComplete):
      return try plain(prompt: "", answer: text, ends: isComplete, scope: .everything, example)
    case .completion(let row) where contract.style == .plain:
      return try plain(
        prompt: try plainPrompt(system: row.system, row.prompt),
        answer: row.separator + row.completion, ends: true, scope: scope, example)
    case .completion, .chat:
      return try chat(try messages(of: example), scope: scope, line: example.line)
    }
  }

  private func messages(of example: Example) throws(TrainingError) -> [Message] {
    switch example.content {
    case .text: return []
    case .completion(let row):
      let system = row.system.map { [Message(role: "system", content: $0)] } ?? []
      return system + [
        Message(role: "user", content: row.prompt),
        Message(role: "assistant", content: row.completion),
      ]
    case .chat(let messages):
      guard contract.style == .chat else {
        throw TrainingError(
          .badTemplate,
          "a conversation needs a chat template, and the base has none; give rows of 'prompt' and"
            + " 'completion', or add chat_template.jinja to the base's folder")
      }
      return messages
    }
  }

  func withSystem(_ messages: [Message]) throws(TrainingError) -> [Message] {
    guard let system = contract.system else { return messages }
    guard let first = messages.first, first.role == "system" else {
      return [Message(role: "system", content: system)] + messages
    }
    guard first.content == system else { throw otherSystem }
    return messages
  }

  private func plainPrompt(
    system: String?, _ prompt: String
  ) throws(TrainingError) -> String {
    if let own = system, let fixed = contract.system, own != fixed { throw otherSystem }
    return (system ?? contract.system).map { "\($0)\n\n\(prompt)" } ?? prompt
  }

  private var otherSystem: TrainingError {
    TrainingError(
      .badData,
      "there is a system message other than the one that the adapter learns with; leave it out, or"
        + " give the same one")
  }

  var noAnswer: TrainingError {
    TrainingError(.badData, "the conversation has no turn of the role 'assistant' to learn")
  }
}
