import Tensors

/// The cases of one parser, by number: first each cut and each flipped bit, then random damage without end.
struct Plan {
  let parser: Parser
  let name: String
  let seed: UInt64
  /// Cuts, then flips, of each sample.
  private let sweeps: [(sample: Sample, cuts: [Int], flips: Int)]

  init(name: String, _ parser: Parser, seed: UInt64) {
    self.parser = parser
    self.name = name
    self.seed = seed
    sweeps = parser.samples.map { sample in
      (
        sample, Plan.cuts(sample.bytes.count, slowness: parser.slowness),
        min(sample.bytes.count, Plan.flippedBytes / parser.slowness) * 8
      )
    }
  }

  private static let flippedBytes = 256

  /// Every length of a small file; of a larger one those of its head, and others evenly spread.
  private static func cuts(_ count: Int, slowness: Int) -> [Int] {
    let dense = min(count, 4096 / slowness)
    let step = max(1, (count - dense) / (128 / min(slowness, 128)))
    return Array(0..<dense) + stride(from: dense, to: count, by: step)
  }

  /// How many cases come before the random ones.
  var sweepCount: Int { sweeps.reduce(0) { $0 + $1.cuts.count + $1.flips } }

  /// The sample and the damaged bytes of case `number`.
  func bytes(of number: Int) -> (sample: Sample, bytes: [UInt8]) {
    var rest = number
    for sweep in sweeps {
      if rest < sweep.cuts.count {
        return (sweep.sample, Array(sweep.sample.bytes.prefix(sweep.cuts[rest])))
      }
      rest -= sweep.cuts.count
      if rest < sweep.flips {
        var bytes = sweep.sample.bytes
        bytes[rest / 8] ^= 1 << (rest % 8)
        return (sweep.sample, bytes)
      }
      rest -= sweep.flips
    }
    let start = name.utf8.reduce(seed) { SplitMix64.mix($0 &+ UInt64($1)) }
    var mutator = Mutator(
      random: SplitMix64(seed: SplitMix64.mix(start ^ UInt64(rest))), samples: parser.samples)
    let sample = mutator.pick(parser.samples)
    return (sample, mutator.damaged(sample))
  }
}
