import Adapters
import JSON
import Models
import Tensors
import Testing

@Suite("Where training starts")
struct InitialisationTests {
  static func start(
    _ initialisation: LoRAInitialisation, seed: UInt64 = 3, rank: Int = 64
  ) throws -> [LowRank] {
    let slots = SlotTable([
      SlotInfo(path: "a.q_proj", inputSize: 300, outputSize: 20),
      SlotInfo(path: "a.k_proj", inputSize: 40, outputSize: 20),
      SlotInfo(path: "a.v_proj", inputSize: 75, outputSize: 30),
    ])
    let configuration = LoRAConfiguration(rank: rank, targets: .names(["q_proj", "v_proj"]))
    let selection = try TargetSelection(configuration, slots: slots)
    let deltas = try selection.initialDeltas(
      slots: slots, initialisation: initialisation, seed: seed)
    #expect(deltas.keys.sorted() == [0, 2])
    _ = try Adapter(
      configuration: configuration, baseFingerprint: Goldens.base, slots: slots, deltas: deltas,
      isStart: true)
    return deltas.sorted { $0.key < $1.key }.map(\.value)
  }

  @Test("A is uniform within 1/sqrt(in), row by row in the order of the slots, and B is zero")
  func kaiming() throws {
    let deltas = try InitialisationTests.start(.kaiming)
    var generator = SplitMix64(seed: 3)
    for delta in deltas {
      let bound = 1 / Float(delta.a.columns).squareRoot()
      let values = delta.a.values
      let expected = values.map { _ in
        (generator.uniform() * 2 - 1) / Float(delta.a.columns).squareRoot()
      }
      #expect(values == expected)
      #expect(values.allSatisfy { abs($0) <= bound })
      // A uniform value in ±c has variance c²/3.
      let variance = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
      #expect(abs(variance / (bound * bound / 3) - 1) < 0.05)
      #expect(delta.b.values.allSatisfy { $0 == 0 })
    }
  }

  @Test("gaussian: A has deviation 1/r")
  func gaussian() throws {
    for delta in try InitialisationTests.start(.gaussian, rank: 32) {
      let values = delta.a.values
      let variance = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
      #expect(abs(variance * 32 * 32 - 1) < 0.1)
      #expect(delta.b.values.allSatisfy { $0 == 0 })
    }
  }

  @Test("the same seed starts alike, another one does not")
  func seeds() throws {
    let one = try InitialisationTests.start(.kaiming, seed: 1)
    let again = try InitialisationTests.start(.kaiming, seed: 1)
    let other = try InitialisationTests.start(.kaiming, seed: 2)
    #expect(one.map(\.a.values) == again.map(\.a.values))
    #expect(one[0].a.values != other[0].a.values)
  }

  @Test("an initialisation that is only known from files starts no training")
  func foreign() {
    #expect(throws: AdapterError.self) { try InitialisationTests.start(.foreign("orthogonal")) }
  }
}
