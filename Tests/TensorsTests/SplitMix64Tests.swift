import Tensors
import Testing

@Suite("SplitMix64")
struct SplitMix64Tests {
  @Test("gives the published sequence for seed 1234567")
  func published() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }
}
