import Foundation
import Tensors
import Tokenizers

/// Chooses tokens, one request's worth: its settings, what it has seen and its own random state.
///
/// The order of the steps is transformers': bias, penalties, temperature, top-k, top-p, min-p. Equal logits rank by
/// index.
struct Sampler {
  let settings: SamplerSettings
  private var generator: SplitMix64
  /// The tokens of the prompt, where they matter.
  private var prompt: Set<Token> = []
  /// How often each token stands in the answer.
  private var counts: [Token: Int] = [:]

  init(_ settings: SamplerSettings, prompt: [Token] = []) {
    self.settings = settings
    generator = SplitMix64(seed: settings.seed)
    if settings.repetitionPenalty != 1 { self.prompt = Set(prompt) }
  }

  /// The next token, given one row of logits and the token of the largest.
  mutating func next(_ logits: [Float], likeliest: Token) -> Token {
    guard !settings.isPlain else { return likeliest }
    let token = choose(logits)
    counts[token, default: 0] += 1
    return token
  }

  private mutating func choose(_ logits: [Float]) -> Token {
    var logits = logits
    adjust(&logits)
    guard settings.temperature > 0 else { return Token(Sampler.largest(logits)) }
    let kept = keep(logits)
    var left = generator.uniform() * kept.reduce(0) { $0 + $1.weight }
    for candidate in kept {
      left -= candidate.weight
      if left < 0 { return candidate.token }
    }
    return kept.last?.token ?? Token(Sampler.largest(logits))
  }

  /// The index of the largest value, the first of equals.
  static func largest(_ values: [Float]) -> Int {
    var best = 0
    for index in values.indices where values[index] > values[best] { best = index }
    return best
  }

  /// Bias and penalties.
  private func adjust(_ logits: inout [Float]) {
    for (token, bias) in settings.logitBias where logits.indices.contains(Int(token)) {
      logits[Int(token)] += bias
    }
    let penalty = settings.repetitionPenalty
    if penalty != 1 {
      for token in prompt.union(counts.keys) where logits.indices.contains(Int(token)) {
        let logit = logits[Int(token)]
        logits[Int(token)] = logit > 0 ? logit / penalty : logit * penalty
      }
    }
    guard settings.frequencyPenalty != 0 || settings.presencePenalty != 0 else { return }
    for (token, count) in counts where logits.indices.contains(Int(token)) {
      logits[Int(token)] -= settings.frequencyPenalty * Float(count) + settings.presencePenalty
    }
  }

  /// The tokens that survive top-k, top-p and min-p, most likely first, with unnormalised weights.
  private func keep(_ logits: [Float]) -> [(token: Token, weight: Float)] {
    let temperature = settings.temperature
    let top = logits[Sampler.largest(logits)]
    // Below a weight of 2^-40 a token changes no draw of 24 bits.
    let least = top - 28 * temperature
    var candidates = logits.indices.lazy.filter { logits[$0] > least }.map {
      (token: Token($0), weight: exp((logits[$0] - top) / temperature))
    }.sorted { $0.weight != $1.weight ? $0.weight > $1.weight : $0.token < $1.token }
    if settings.topK > 0 { candidates = Array(candidates.prefix(settings.topK)) }
    if settings.topP < 1 {
      let total = candidates.reduce(0) { $0 + $1.weight }
      var sum: Float = 0
      let count = candidates.firstIndex {
        sum += $0.weight
        return sum >= settings.topP * total
      }
      candidates = Array(candidates.prefix((count ?? candidates.count - 1) + 1))
    }
    if settings.minP > 0, let best = candidates.first?.weight {
      candidates = candidates.filter { $0.weight >= settings.minP * best }
    }
    return candidates
  }
}
