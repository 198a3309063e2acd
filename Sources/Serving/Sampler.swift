import Foundation
import Tensors

/// Chooses tokens, one request's worth: its settings and its own random state.
///
/// The order of the steps is transformers': penalty, temperature, top-k, top-p, min-p. Equal logits rank by index.
struct Sampler {
  let settings: SamplerSettings
  private var generator: SplitMix64

  init(_ settings: SamplerSettings) {
    self.settings = settings
    generator = SplitMix64(seed: settings.seed)
  }

  /// The next token after `history`, given one row of logits.
  mutating func next(_ logits: [Float], history: [Int32]) -> Int32 {
    var logits = logits
    penalise(&logits, history)
    guard settings.temperature > 0 else { return Int32(Sampler.largest(logits)) }
    let kept = keep(logits.map { $0 / settings.temperature })
    var left = generator.uniform() * kept.reduce(0) { $0 + $1.weight }
    for candidate in kept {
      left -= candidate.weight
      if left < 0 { return candidate.token }
    }
    return kept.last?.token ?? Int32(Sampler.largest(logits))
  }

  /// The index of the largest value, the first of equals.
  static func largest(_ values: [Float]) -> Int {
    var best = 0
    for index in values.indices where values[index] > values[best] { best = index }
    return best
  }

  private func penalise(_ logits: inout [Float], _ history: [Int32]) {
    let penalty = settings.repetitionPenalty
    guard penalty != 1 else { return }
    for token in Set(history) where logits.indices.contains(Int(token)) {
      let logit = logits[Int(token)]
      logits[Int(token)] = logit > 0 ? logit / penalty : logit * penalty
    }
  }

  /// The tokens that survive top-k, top-p and min-p, most likely first, with unnormalised weights.
  private func keep(_ logits: [Float]) -> [(token: Int32, weight: Float)] {
    let top = logits[Sampler.largest(logits)]
    // Below a weight of 2^-40 a token changes no draw of 24 bits.
    var candidates = logits.indices.lazy.filter { logits[$0] > top - 28 }.map {
      (token: Int32($0), weight: exp(logits[$0] - top))
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
