import Adapters
package import Checkpoints
import Digests
import Foundation
public import Models
public import Registry
public import Serving
import Tensors
public import Tokenizers
public import Training

/// A base in memory: its frozen model, its tokenizer, and the adapters that are loaded over it.
public final class LoadedBase: Sendable {
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

  init(
    record: BaseRecord, checkpoint: Checkpoint, weights: WeightFormat, packed: PackedWeights?,
    adapterCapacityBytes: Int, pool: WorkerPool
  ) throws {
    self.record = record
    model = try Model.load(checkpoint, weights: weights, packed: packed, pool: pool)
    tokenizer = try Tokenizer.load(checkpoint.tokenizerSource)
    contract = try PromptContract(
      tokenizer: tokenizer, chatTemplate: checkpoint.chatTemplate,
      endOfSequence: checkpoint.configuration.endOfSequence)
    // Last: its digest is taken on another thread meanwhile.
    try packed?.check()
    engine = Engine(model: model, tokenizer: tokenizer, pool: pool)
    adapters = AdapterPool(
      base: record.facts.fingerprint, capacityBytes: adapterCapacityBytes)
  }

  /// An encoder that speaks under `contract`.
  /// - Parameter now: The time that a chat template may tell.
  /// - Throws: `TrainingError` where the contract is for another tokenizer.
  func encoder(_ terms: PromptContract, now: Date = Date()) throws -> SequenceEncoder {
    try SequenceEncoder(
      contract: terms, tokenizer: tokenizer, tokenizerDigest: contract.tokenizer, now: now)
  }
}

extension Tokenizer {
  /// The tokenizer that a checkpoint brings.
  package static func load(_ source: TokenizerSource) throws -> Tokenizer {
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
