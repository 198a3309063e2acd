import Foundation
public import Tokenizers

/// A token as it was chosen, with what the model thought of it and of others, before any penalty and at temperature 1.
public struct TokenChoice: Sendable, Equatable {
  /// A token and the logarithm of its probability.
  public struct Candidate: Sendable, Equatable {
    /// The token.
    public var token: Token
    /// The natural logarithm of its probability.
    public var logProbability: Float
  }

  /// The token that was chosen.
  public var chosen: Candidate
  /// The most likely tokens, most likely first.
  public var top: [Candidate]

  /// The choice of `token`, given one row of logits.
  /// - Parameter count: How many of the most likely tokens to tell.
  init(_ token: Token, _ logits: [Float], count: Int) {
    let largest = logits[Sampler.largest(logits)]
    let sum = logits.reduce(0.0) { $0 + exp(Double($1 - largest)) }
    let base = largest + Float(log(sum))
    chosen = Candidate(token: token, logProbability: logits[Int(token)] - base)
    var best: [Int] = []
    if count > 0 {
      for index in logits.indices
      where best.count < count || logits[index] > logits[best[best.count - 1]] {
        let place = best.firstIndex { logits[index] > logits[$0] } ?? best.count
        best.insert(index, at: place)
        if best.count > count { best.removeLast() }
      }
    }
    top = best.map { Candidate(token: Token($0), logProbability: logits[$0] - base) }
  }
}
