public import Tokenizers

extension SequenceEncoder {
  /// An encoder that speaks under `contract` with a checkpoint's own tokenizer.
  /// - Throws: `TrainingError` where the contract's chat template cannot be read.
  public init(contract: PromptContract, tokenizer: Tokenizer) throws(TrainingError) {
    let template: ChatTemplate?
    do { template = try contract.chatTemplate.map { try ChatTemplate($0) } } catch {
      throw TrainingError(.badTemplate, "the chat template: \(error)")
    }
    var variables: [String: TemplateValue] = [:]
    if let begin = contract.beginOfSequence { variables["bos_token"] = .string(begin) }
    if let end = contract.endOfSequence { variables["eos_token"] = .string(end) }
    let constants = variables
    self.init(
      contract: contract,
      machinery: Machinery(
        encode: { tokenizer.encode($0, addSpecialTokens: $1) },
        decode: { tokenizer.decode($0, skipSpecialTokens: true) },
        render: { (messages, addsPrompt) throws(TrainingError) in
          guard let template else {
            throw TrainingError(.badTemplate, "the base has no chat template")
          }
          do {
            return try template.render(
              messages, addGenerationPrompt: addsPrompt, variables: constants)
          } catch { throw TrainingError(.badTemplate, "the chat template: \(error)") }
        }, beginOfSequence: tokenizer.beginOfSequence, endOfSequence: tokenizer.endOfSequence))
  }
}
