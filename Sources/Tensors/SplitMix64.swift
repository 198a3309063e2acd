#if canImport(Glibc)
  import Glibc
#endif

/// A small seeded generator: the same seed gives the same numbers on every machine.
///
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
public struct SplitMix64: RandomNumberGenerator, Sendable, Equatable, Codable {
  /// The whole state; keep it to go on exactly here.
  public var state: UInt64

  /// Starts from `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15  // the golden ratio's fraction, from the paper
    return SplitMix64.mix(state)
  }

  /// The paper's finaliser: a bijection whose output looks random for a counter.
  @inlinable public static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A float in [0, 1), from the upper 24 bits.
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A draw from the standard normal distribution (Box and Muller).
  public mutating func normal() -> Float {
    let radius = 1 - Double(next() >> 11) * 0x1p-53  // in (0, 1]: its logarithm is finite
    let angle = Double(next() >> 11) * 0x1p-53
    return Float((-2 * log(radius)).squareRoot() * cos(2 * .pi * angle))
  }
}
