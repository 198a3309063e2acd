import Tensors
import Tokenizers

/// The tokens of one row of logits, the likeliest first and of equals the first, sorted only as far as anyone asks: most draws end
/// among the first few of a vocabulary of thousands.
struct Ranking {
  typealias Candidate = (token: Token, logit: Float)

  private let logits: Matrix
  private let top: Float
  private let unit: Float
  private let bottom: Float
  /// Ranks, and below them the tokens: whole numbers are sorted in half the time of pairs.
  private var sorted: [UInt64] = []
  /// All above it are sorted.
  private var low = Float.infinity
  /// How far below the largest it is, in units.
  private var depth: Float = 0

  /// - Parameters:
  ///   - top: The largest logit.
  ///   - unit: About how much less likely a token must be not to matter at first.
  ///   - bottom: Tokens at or below it are not ranked.
  init(_ logits: Matrix, top: Float, unit: Float = 1, above bottom: Float = -.infinity) {
    self.logits = logits
    self.top = top
    self.unit = unit
    self.bottom = bottom
  }

  /// The candidate at `place`; nil where there are not so many.
  mutating func candidate(_ place: Int) -> Candidate? {
    while place >= sorted.count, low > bottom { widen() }
    guard place < sorted.count else { return nil }
    let token = Token(truncatingIfNeeded: sorted[place])
    return (token, logits[0, Int(token)])
  }

  /// Sorts those of the next few units in behind the others.
  private mutating func widen() {
    depth = depth < 4 ? depth + 1 : depth * 1.25
    let next = depth < 1_000 ? max(bottom, top - depth * unit) : bottom
    sorted += logits.places(above: next, upTo: low).map { place in
      UInt64(Self.rank(logits[0, Int(place)])) << 32 | UInt64(place)
    }.sorted()
    low = next
  }

  /// A number that is the smaller the larger `logit` is.
  private static func rank(_ logit: Float) -> UInt32 {
    let bits = logit.bitPattern
    return bits >> 31 == 0 ? ~(bits | 1 << 31) : bits
  }
}
