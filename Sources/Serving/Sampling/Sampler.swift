import Foundation
package import Tensors
package import Tokenizers

/// Chooses tokens, one request's worth: its settings, what it has seen and its own random state.
///
/// The order of the steps is transformers': bias, penalties, temperature, top-k, top-p, min-p. Equal logits rank by
/// index. What is left is drawn from the likeliest on.
package struct Sampler {
  let settings: SamplerSettings
  private var generator: SplitMix64
  /// The tokens of the prompt, where they matter.
  private var prompt: Set<Token> = []
  /// How often each token stands in the answer.
  private var counts: [Token: Int] = [:]

  package init(_ settings: SamplerSettings, prompt: [Token] = []) {
    self.settings = settings
    generator = SplitMix64(seed: settings.seed)
    if settings.repetitionPenalty != 1 { self.prompt = Set(prompt) }
  }

  /// The next token, given one row of logits, `(1, vocabulary)`, and the token of the largest.
  package mutating func next(_ logits: Matrix, likeliest: Token) -> Token {
    guard !settings.isPlain else { return likeliest }
    let token = choose(logits, likeliest)
    counts[token, default: 0] += 1
    return token
  }

  private mutating func choose(_ logits: Matrix, _ likeliest: Token) -> Token {
    var (logits, likeliest) = (logits, likeliest)
    if settings.changesLogits {
      logits = logits.copied()
      adjust(logits)
      likeliest = Token(logits.largestColumn(row: 0))
    }
    guard settings.temperature > 0 else { return likeliest }
    let top = logits[0, Int(likeliest)]
    // Below a weight of 2^-40 a token changes no draw of 24 bits.
    let least = top - 28 * settings.temperature
    var ranking = Ranking(logits, top: top, unit: settings.temperature, above: least)
    let mass = logits.exponentialMass(
      below: top, temperature: settings.temperature, above: least)
    var cut = Cut(count: .max, mass: mass)
    if settings.topK > 0 || settings.topP < 1 || settings.minP > 0 {
      cut = self.cut(&ranking, top, mass)
    }
    var left = Double(generator.uniform()) * cut.mass
    var token = likeliest
    for place in 0..<cut.count {
      guard let candidate = ranking.candidate(place) else { break }
      token = candidate.token
      left -= weight(candidate, top)
      if left < 0 { break }
    }
    return token
  }

  /// How many of the likeliest tokens survive top-k, top-p and min-p, and their weights' sum.
  private struct Cut {
    var count: Int
    var mass: Double
  }

  private func cut(_ ranking: inout Ranking, _ top: Float, _ mass: Double) -> Cut {
    let most = settings.topK > 0 ? settings.topK : .max
    var total = mass
    if settings.topK > 0, settings.topP < 1 {
      total = 0
      for place in 0..<most {
        guard let candidate = ranking.candidate(place) else { break }
        total += weight(candidate, top)
      }
    }
    var cut = Cut(count: 0, mass: 0)
    while cut.count < most, let candidate = ranking.candidate(cut.count) {
      let weight = weight(candidate, top)
      // The likeliest weighs 1.
      if weight < Double(settings.minP) { break }
      cut.count += 1
      cut.mass += weight
      if settings.topP < 1, cut.mass >= Double(settings.topP) * total { break }
    }
    return cut
  }

  private func weight(_ candidate: Ranking.Candidate, _ top: Float) -> Double {
    Double(exp((candidate.logit - top) / settings.temperature))
  }

  /// Bias and penalties, in place.
  private func adjust(_ logits: Matrix) {
    let tokens = 0..<Token(logits.columns)
    for (token, bias) in settings.logitBias where tokens.contains(token) {
      logits[0, Int(token)] += bias
    }
    let penalty = settings.repetitionPenalty
    if penalty != 1 {
      for token in prompt.union(counts.keys) where tokens.contains(token) {
        let logit = logits[0, Int(token)]
        logits[0, Int(token)] = logit > 0 ? logit / penalty : logit * penalty
      }
    }
    guard settings.frequencyPenalty != 0 || settings.presencePenalty != 0 else { return }
    for (token, count) in counts where tokens.contains(token) {
      logits[0, Int(token)] -=
        settings.frequencyPenalty * Float(count) + settings.presencePenalty
    }
  }
}
