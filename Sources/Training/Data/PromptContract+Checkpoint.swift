import Digests
public import Foundation
public import Tokenizers

extension PromptContract {
  /// The terms that a checkpoint's own files set.
  ///
  /// An answer ends with the token that ends a sequence, with the ones that the model's configuration names, and
  /// with the special token that the template writes after an answer.
  /// - Parameters:
  ///   - tokenizer: The checkpoint's tokenizer.
  ///   - chatTemplate: The text of its chat template, or nil where it has none.
  ///   - style: How questions are written; nil for the template where there is one.
  ///   - system: What the system is always told first.
  ///   - endOfSequence: Tokens that end a sequence by the model's configuration.
  public init(
    tokenizer: Tokenizer, chatTemplate: String?, style: Style? = nil, system: String? = nil,
    endOfSequence: [Int] = []
  ) throws(TrainingError) {
    let style = style ?? (chatTemplate == nil ? .plain : .chat)
    if style == .chat, chatTemplate == nil {
      throw TrainingError(
        .badTemplate,
        "the base has no chat template; add chat_template.jinja to its folder or use plain prompts")
    }
    var stops = Set(endOfSequence.compactMap(Token.init(exactly:)))
    if let end = tokenizer.endOfSequence { stops.insert(end) }
    self.init(
      style: style, chatTemplate: style == .chat ? chatTemplate : nil, system: system,
      beginOfSequence: tokenizer.beginOfSequence.flatMap(tokenizer.text(of:)),
      endOfSequence: tokenizer.endOfSequence.flatMap(tokenizer.text(of:)), stops: [],
      tokenizer: Digest.of(tokenizer.digestBytes()).hex)
    if style == .chat, let mark = try turnEnd(tokenizer) { stops.insert(mark) }
    self.stops = stops.sorted().compactMap { token in
      tokenizer.text(of: token).map { Stop(token: token, text: $0) }
    }
  }

  /// The special token that the template writes after an answer, or nil where it writes none.
  private func turnEnd(_ tokenizer: Tokenizer) throws(TrainingError) -> Token? {
    // No template changes this text, and none writes it of its own accord.
    let answer = "lorikeet9f31"
    let turns = [
      Message(role: "user", content: "?"), Message(role: "assistant", content: answer),
    ]
    let render = try renderer(now: Date(timeIntervalSince1970: 0))
    let text = try render(turns, false)
    guard let place = text.range(of: answer, options: .backwards) else { return nil }
    let after = tokenizer.encode(String(text[place.upperBound...]), addSpecialTokens: false)
    return after.first { tokenizer.isSpecial($0) }
  }

  /// Renders conversations through the contract's chat template, which must be there.
  ///
  /// - Parameter now: The time that the template may tell, in Greenwich: a run has one, so that it can be
  ///   replayed.
  func renderer(
    now: Date
  ) throws(TrainingError) -> @Sendable ([Message], Bool) throws(TrainingError) -> String {
    let template: ChatTemplate
    do { template = try ChatTemplate(chatTemplate ?? "") } catch {
      throw TrainingError(.badTemplate, error.description)
    }
    var variables: [String: TemplateValue] = [:]
    if let beginOfSequence { variables["bos_token"] = .string(beginOfSequence) }
    if let endOfSequence { variables["eos_token"] = .string(endOfSequence) }
    let constants = variables
    return { messages, addGenerationPrompt throws(TrainingError) in
      do throws(TemplateError) {
        return try template.render(
          messages, addGenerationPrompt: addGenerationPrompt, variables: constants, now: now,
          timeZone: .gmt)
      } catch { throw TrainingError(.badTemplate, error.description) }
    }
  }
}

extension SequenceEncoder {
  /// An encoder of `tokenizer` under the terms of `contract`.
  /// - Parameters:
  ///   - tokenizerDigest: The tokenizer's digest, where it is known already; computing it takes milliseconds.
  ///   - now: The time that the chat template may tell; part of what the model reads, so a run that is resumed
  ///     needs the same.
  /// - Throws: `TrainingError` where the contract is for another tokenizer, or its template cannot be run.
  public init(
    contract: PromptContract, tokenizer: Tokenizer, tokenizerDigest: String? = nil, now: Date
  ) throws(TrainingError) {
    try contract.check(
      tokenizer: tokenizerDigest ?? Digest.of(tokenizer.digestBytes()).hex)
    self.init(
      contract: contract,
      machinery: Machinery(
        encode: { tokenizer.encode($0, addSpecialTokens: $1) },
        decode: { tokenizer.decode($0, skipSpecialTokens: false) },
        render: try contract.renderer(now: now), beginOfSequence: tokenizer.beginOfSequence,
        endOfSequence: tokenizer.endOfSequence))
  }
}
