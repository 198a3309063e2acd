import Foundation
package import Tensors
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

  /// The choice of `token`, given one row of logits, `(1, vocabulary)`.
  /// - Parameters:
  ///   - likeliest: The token of the largest logit.
  ///   - count: How many of the most likely tokens to tell.
  package init(_ token: Token, _ logits: Matrix, likeliest: Token, count: Int) {
    let largest = logits[0, Int(likeliest)]
    let mass = logits.exponentialMass(below: largest, temperature: 1, above: -.infinity)
    let base = largest + Float(log(mass))
    chosen = Candidate(token: token, logProbability: logits[0, Int(token)] - base)
    var ranking = Ranking(logits, top: largest)
    top = (0..<count).compactMap { place in
      ranking.candidate(place).map {
        Candidate(token: $0.token, logProbability: $0.logit - base)
      }
    }
  }
}
