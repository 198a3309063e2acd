public import Tokenizers

/// How the next token is chosen from the logits.
public struct SamplerSettings: Sendable, Equatable {
  /// 0 takes the most likely token; else logits are divided by it.
  public var temperature: Float = 0
  /// Keep only the `topK` most likely tokens; 0 keeps all.
  public var topK = 0
  /// Keep the most likely tokens that together reach this probability (Holtzman et al., 2020).
  public var topP: Float = 1
  /// Keep tokens at least this likely, relative to the most likely one (Nguyen et al., 2024).
  public var minP: Float = 0
  /// Logits of tokens seen before are divided by it if positive, else multiplied (Keskar et al., 2019).
  public var repetitionPenalty: Float = 1
  /// Taken off the logit of a token for each time that it stands in the answer so far (OpenAI).
  public var frequencyPenalty: Float = 0
  /// Taken off the logit of a token that stands in the answer so far (OpenAI).
  public var presencePenalty: Float = 0
  /// Added to logits, before everything else.
  public var logitBias: [Token: Float] = [:]
  /// Where the random draws start.
  public var seed: UInt64 = 0

  /// The defaults: greedy.
  public init() {}

  /// The first setting that makes no sense, as a sentence; nil where all do.
  public var problem: String? {
    if !(temperature >= 0 && temperature.isFinite) { return "temperature must be 0 or more" }
    if topK < 0 { return "top-k must be 0 or more" }
    if !(topP > 0 && topP <= 1) { return "top-p must be above 0 and at most 1" }
    if !(minP >= 0 && minP <= 1) { return "min-p must be between 0 and 1" }
    if !(repetitionPenalty > 0 && repetitionPenalty.isFinite) {
      return "repetition penalty must be above 0"
    }
    if !frequencyPenalty.isFinite { return "frequency penalty must be a number" }
    if !presencePenalty.isFinite { return "presence penalty must be a number" }
    if !logitBias.values.allSatisfy(\.isFinite) { return "a logit's bias must be a number" }
    return nil
  }

  /// Whether the most likely token is taken as the model gives it.
  var isPlain: Bool { temperature == 0 && !changesLogits }

  /// Whether there is a bias or a penalty.
  var changesLogits: Bool {
    repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0 || !logitBias.isEmpty
  }
}
