import Adapters
import Digests
import Models
import Tensors
import Testing

@Suite("Comparing the weights of two adapters") struct UpdateComparisonTests {
  private let slots = SlotTable([
    SlotInfo(path: "model.layers.0.self_attn.q_proj", inputSize: 9, outputSize: 7, layer: 0),
    SlotInfo(path: "model.layers.1.self_attn.q_proj", inputSize: 9, outputSize: 7, layer: 1),
  ])

  private func delta(rank: Int = 3, seed: UInt64, scale: Float = 2) -> LowRank {
    var g = SplitMix64(seed: seed)
    return LowRank(
      a: Matrix(rows: rank, columns: 9, (0..<rank * 9).map { _ in g.normal() }),
      b: Matrix(rows: 7, columns: rank, (0..<rank * 7).map { _ in g.normal() }), scale: scale)
  }

  /// An adapter of these updates, by slot.
  private func adapter(_ deltas: [Int: LowRank]) throws -> Adapter {
    let first = try #require(deltas.values.first)
    return try Adapter(
      configuration: LoRAConfiguration(
        rank: first.rank, alpha: Double(first.scale) * Double(first.rank),
        targets: .names(deltas.keys.sorted().map { slots.slots[$0].path })),
      baseFingerprint: Digest.of("base"), slots: slots, deltas: deltas)
  }

  private func compare(_ one: [Int: LowRank], _ other: [Int: LowRank]) throws -> [UpdateComparison]
  {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    return try Adapter.compare(adapter(one), adapter(other), pool: pool)
  }

  /// `s B A`, value by value.
  private func dense(_ delta: LowRank) -> [Double] {
    (0..<7).flatMap { row in
      (0..<9).map { column in
        (0..<delta.rank).reduce(0.0) {
          $0 + Double(delta.b[row, $1]) * Double(delta.a[$1, column])
        } * Double(delta.scale)
      }
    }
  }

  @Test("norms and cosine are those of the whole matrices", arguments: [1, 2, 3, 5])
  func whole(rank: Int) throws {
    let (one, other) = (delta(rank: rank, seed: 1), delta(rank: rank, seed: 2, scale: 0.5))
    let found = try #require(try compare([0: one], [0: other]).first)
    let (a, b) = (dense(one), dense(other))
    func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let cosine = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / (norm(a) * norm(b))
    #expect(abs((found.first?.norm ?? 0) - norm(a)) < 1e-4 * norm(a))
    #expect(abs((found.second?.norm ?? 0) - norm(b)) < 1e-4 * norm(b))
    #expect(abs((found.relation?.cosine ?? 9) - cosine) < 1e-5, "\(cosine)")
    #expect(found.first?.directions == rank)
    #expect(abs((found.first?.norm ?? 0) - one.norm) < 1e-5 * one.norm)
  }

  @Test("an update against itself, its negative and its multiples: one direction, the same spaces")
  func same() throws {
    let one = delta(seed: 3)
    for (factor, cosine) in [(1.0, 1.0), (-1.0, -1.0), (0.25, 1.0)] {
      let other = LowRank(a: one.a, b: one.b, scale: one.scale * Float(factor))
      let relation = try #require(try compare([0: one], [0: other]).first?.relation)
      #expect(abs(relation.cosine - cosine) < 1e-5)
      for spaces in [relation.input, relation.output] {
        #expect(abs(spaces.overlap - 1) < 1e-5 && spaces.cosines.count == 3)
        #expect(spaces.angles.allSatisfy { $0 < 0.2 }, "\(spaces.angles)")
      }
    }
  }

  @Test("updates that share one of two directions overlap by half, at 0 and 90 degrees")
  func half() throws {
    // A reads unit vectors 0 and 1, or 1 and 2; B writes 0 and 1, or 3 and 4.
    func unit(_ rows: [Int], _ columns: Int) -> Matrix {
      let m = Matrix(repeating: 0, rows: rows.count, columns: columns)
      for (row, column) in rows.enumerated() { m[row, column] = 1 }
      return m
    }
    func out(_ places: [Int]) -> Matrix {
      let m = Matrix(repeating: 0, rows: 7, columns: places.count)
      for (column, row) in places.enumerated() { m[row, column] = 1 }
      return m
    }
    let one = LowRank(a: unit([0, 1], 9), b: out([0, 1]), scale: 1)
    let other = LowRank(a: unit([1, 2], 9), b: out([3, 4]), scale: 1)
    let relation = try #require(try compare([0: one], [0: other]).first?.relation)
    #expect(abs(relation.input.overlap - 0.5) < 1e-6 && abs(relation.output.overlap) < 1e-6)
    #expect(abs(relation.input.angles[0]) < 0.1 && abs(relation.input.angles[1] - 90) < 0.1)
    #expect(abs(relation.cosine) < 1e-6)
  }

  @Test(
    "a rank that is not used counts no direction, and a layer that one side leaves alone has no relation"
  )
  func partial() throws {
    var one = delta(rank: 2, seed: 4)
    // The second direction repeats the first.
    one = LowRank(
      a: Matrix(rows: 2, columns: 9, one.a.rows(0..<1).values + one.a.rows(0..<1).values), b: one.b,
      scale: 1)
    let found = try compare([0: one, 1: delta(rank: 2, seed: 5, scale: 1)], [1: delta(seed: 6)])
    #expect(found.count == 2)
    #expect(found[0].first?.directions == 1 && found[0].second == nil && found[0].relation == nil)
    #expect(found[1].relation != nil)
    let summary = UpdateComparison.Summary(found)
    #expect(summary.layers == 2 && summary.cosine != nil)
    #expect(UpdateComparison.byModule(found).map(\.name) == ["q_proj"])
    #expect(UpdateComparison.byBlock(found).map(\.name) == ["0", "1"])
  }

  @Test("adapters of two bases are refused")
  func bases() throws {
    let one = try adapter([0: delta(seed: 7)])
    let foreign = try Adapter(
      configuration: one.configuration, baseFingerprint: Digest.of("other"), slots: slots,
      deltas: one.deltas)
    let pool = WorkerPool(threads: 1)
    defer { pool.shutDown() }
    #expect(throws: AdapterError.self) { try Adapter.compare(one, foreign, pool: pool) }
  }
}
