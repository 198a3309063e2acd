import Adapters
import Checkpoints
import Digests
import Foundation
public import Models
public import Registry
public import Serving
import Tensors
public import Tokenizers
public import Training

/// A base in memory: its frozen model, its tokenizer, and the adapters that are loaded over it.
public final class LoadedBase {
  /// What the registry knows of it.
  public let record: BaseRecord
  /// The frozen model.
  public let model: Model
  /// Its tokenizer.
  public let tokenizer: Tokenizer
  /// How it is spoken to without an adapter.
  public let contract: PromptContract
  /// What runs requests.
  public let engine: Engine
  /// The adapters in memory.
  public let adapters: AdapterPool
  /// The digest of the tokenizer.
  let tokenizerDigest: Digest

  init(
    record: BaseRecord, checkpoint: Checkpoint, adapterCapacityBytes: Int, pool: WorkerPool
  ) throws {
    self.record = record
    model = try Model.load(checkpoint, pool: pool)
    tokenizer = try Tokenizer.load(checkpoint.tokenizerSource)
    tokenizerDigest = record.facts.tokenizerDigest ?? Digest.of(tokenizer.digestBytes())
    contract = PromptContract.standard(
      checkpoint, tokenizer: tokenizer, digest: tokenizerDigest)
    engine = Engine(model: model, tokenizer: tokenizer, pool: pool)
    adapters = AdapterPool(
      base: record.facts.fingerprint, capacityBytes: adapterCapacityBytes)
  }

  /// An encoder that speaks under `contract`.
  /// - Throws: `TrainingError` where the contract is for another tokenizer.
  func encoder(_ contract: PromptContract) throws -> SequenceEncoder {
    try contract.check(tokenizer: tokenizerDigest.hex)
    return try SequenceEncoder(contract: contract, tokenizer: tokenizer)
  }
}

extension Tokenizer {
  /// The tokenizer that a checkpoint brings.
  static func load(_ source: TokenizerSource) throws -> Tokenizer {
    switch source {
    case .json(let tokenizer, let configuration):
      return try Tokenizer.load(tokenizerJSON: tokenizer, configuration: configuration)
    case .embedded(let vocabulary):
      return try Tokenizer.load(
        vocabulary: GGUFVocabulary(
          model: vocabulary.model, pre: vocabulary.pre, tokens: vocabulary.tokens,
          tokenTypes: vocabulary.tokenTypes, merges: vocabulary.merges, scores: vocabulary.scores,
          beginOfSequence: vocabulary.beginOfSequence, endOfSequence: vocabulary.endOfSequence,
          unknown: vocabulary.unknown, padding: vocabulary.padding,
          addBeginOfSequence: vocabulary.addBeginOfSequence,
          addEndOfSequence: vocabulary.addEndOfSequence,
          addSpacePrefix: vocabulary.addSpacePrefix))
    }
  }
}

extension PromptContract {
  /// How a checkpoint's model is spoken to: through its chat template if it has one, else in plain text.
  static func standard(_ checkpoint: Checkpoint, tokenizer: Tokenizer, digest: Digest)
    -> PromptContract
  {
    var stops = Set(checkpoint.configuration.endOfSequence.compactMap { Token(exactly: $0) })
    if let end = tokenizer.endOfSequence { stops.insert(end) }
    return PromptContract(
      style: checkpoint.chatTemplate == nil ? .plain : .chat,
      chatTemplate: checkpoint.chatTemplate,
      beginOfSequence: checkpoint.specialTokens["bos_token"],
      endOfSequence: checkpoint.specialTokens["eos_token"],
      stops: stops.sorted().map { Stop(token: $0, text: tokenizer.text(of: $0) ?? "") },
      tokenizer: digest.hex)
  }
}
