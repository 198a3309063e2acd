import CKernels
import Expect
import Tensors
import Testing

/// Products with weights in bf16 against exact ones of the rounded values, in every variant of the kernels.
extension KernelVariantTests {
  @Suite("Weights in bf16")
  struct NarrowWeightTests {
    private let pool = WorkerPool(threads: 2)
    private let recycler = BufferRecycler()

    /// Rows, inputs, outputs: tiles and panels whole and cut.
    static let shapes = [
      (1, 32, 32), (5, 33, 47), (12, 64, 96), (13, 50, 33), (25, 577, 65), (260, 40, 100),
      (3, 1100, 40), (48, 70, 40), (17, 40, 33),
    ]
    private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
    }

    private func packed(_ values: Matrix) -> FrozenWeight {
      FrozenWeight(StoredRows(values), format: .bf16, arena: WeightArena(), pool: pool)
    }

    /// `x w^T` of rounded values, in double.
    private func product(_ x: Matrix, _ w: Matrix) -> [Double] {
      let (xs, ws) = (x.values.map { Double(rounded($0)) }, w.values.map { Double(rounded($0)) })
      var y = [Double](repeating: 0, count: x.rows * w.rows)
      for t in 0..<x.rows {
        for o in 0..<w.rows {
          for k in 0..<x.columns {
            y[t * w.rows + o] += xs[t * x.columns + k] * ws[o * x.columns + k]
          }
        }
      }
      return y
    }

    private func transposed(_ x: Matrix) -> Matrix {
      let y = Matrix(rows: x.columns, columns: x.rows)
      for row in 0..<x.rows { for column in 0..<x.columns { y[column, row] = x[row, column] } }
      return y
    }

    @Test("multiply as their rounded values do, forward and back", arguments: shapes)
    func products(rows: Int, inputs: Int, outputs: Int) {
      var g = SplitMix64(seed: UInt64(rows + inputs + outputs))
      let (x, w) = (random(rows, inputs, &g), random(outputs, inputs, &g))
      let (dy, start) = (random(rows, outputs, &g), random(rows, outputs, &g))
      let forward = zip(product(x, w), start.values).map { Float($0 + Double($1)) }
      let back = product(dy, transposed(w)).map { Float($0) }
      underEachVariant { variant in
        let weight = packed(w)
        let y = Matrix(rows: rows, columns: outputs)
        weight.apply(
          Operand(x, recycler: recycler, pool: pool), rows: 0..<rows, onto: start, into: y,
          pool: pool)
        #expect(firstDifference(y.values, forward, atol: 2e-4, rtol: 1e-5) == nil, "\(variant)")
        let dx = Matrix(repeating: 1, rows: rows, columns: inputs)
        for _ in 0..<2 {
          weight.applyTransposed(
            Operand(dy, recycler: recycler, pool: pool), rows: 0..<rows, accumulating: true,
            into: dx,
            recycler: recycler, pool: pool)
        }
        let twice = back.map { 2 * $0 + 1 }
        #expect(firstDifference(dx.values, twice, atol: 4e-4, rtol: 1e-5) == nil, "\(variant)")
      }
    }

    @Test("give back their rounded rows", arguments: [(50, 33), (64, 576), (33, 37)])
    func gather(outputs: Int, inputs: Int) {
      var g = SplitMix64(seed: 4)
      let w = random(outputs, inputs, &g)
      let indices = [Int32(outputs - 1), 0, Int32(outputs / 2)]
      underEachVariant { variant in
        let y = Matrix(rows: 3, columns: inputs)
        packed(w).gather(indices, into: y)
        let expected = indices.flatMap { w.rows(Int($0)..<Int($0) + 1).values.map(rounded) }
        #expect(y.values == expected, "\(variant)")
      }
    }

    @Test("give a row the same bits alone, in company and with any number of threads")
    func company() {
      var g = SplitMix64(seed: 9)
      let (x, w) = (random(29, 96, &g), random(70, 96, &g))
      underEachVariant { variant in
        let weight = packed(w)
        let together = [1, 3].map { threads in
          let pool = WorkerPool(threads: threads)
          defer { pool.shutDown() }
          let y = Matrix(rows: 29, columns: 70)
          weight.apply(
            Operand(x, recycler: recycler, pool: pool), rows: 0..<29, into: y, pool: pool)
          return y.values
        }
        #expect(together[0] == together[1], "\(variant)")
        for row in [0, 13, 28] {
          let alone = Matrix(rows: 1, columns: 70)
          weight.apply(
            Operand(x.rows(row..<row + 1), recycler: recycler, pool: pool), rows: 0..<1,
            into: alone, pool: pool
          )
          #expect(alone.values == Array(together[0][row * 70..<(row + 1) * 70]), "\(variant)")
        }
      }
    }

    @Test(
      "take thin products along, for all rows or some",
      arguments: [[0..<9], [0..<4, 6..<9], [2..<5, 0..<9]])
    func terms(ranges: [Range<Int>]) {
      var g = SplitMix64(seed: 5)
      let (x, w) = (random(9, 40, &g), random(50, 40, &g))
      let terms = ranges.map {
        LowRankTerm(
          rows: $0, low: Operand(random($0.count, 5, &g), recycler: recycler, pool: pool),
          lowRows: 0..<$0.count, factor: Factor(random(50, 5, &g)), .transposed)
      }
      var expected = product(x, w)
      for term in terms {
        let part = product(term.low.values, term.factor.values)
        for (index, value) in part.enumerated() {
          expected[term.rows.lowerBound * 50 + index] += value
        }
      }
      underEachVariant { variant in
        let y = Matrix(rows: 9, columns: 50)
        packed(w).apply(
          Operand(x, recycler: recycler, pool: pool), rows: 0..<9, plus: terms, into: y, pool: pool)
        #expect(
          firstDifference(y.values, expected.map { Float($0) }, atol: 1e-4, rtol: 1e-5) == nil,
          "\(variant)")
      }
    }

    @Test("give a row the same bits with its thin product alone and among others'")
    func termsInCompany() {
      var g = SplitMix64(seed: 6)
      let (x, w, start) = (random(9, 64, &g), random(50, 64, &g), random(9, 50, &g))
      let lows = (0..<3).map { _ in random(9, 16, &g) }
      let factors = (0..<3).map { _ in Factor(random(50, 16, &g)) }
      let ranges = [0..<2, 2..<3, 5..<9]
      underEachVariant { variant in
        let weight = packed(w)
        let together = Matrix(rows: 9, columns: 50)
        weight.apply(
          Operand(x, recycler: recycler, pool: pool), rows: 0..<9,
          plus: zip(ranges, zip(lows, factors)).map { rows, part in
            LowRankTerm(
              rows: rows, low: Operand(part.0, recycler: recycler, pool: pool), lowRows: rows,
              factor: part.1,
              .transposed)
          }, onto: start, into: together, pool: pool)
        for (rows, (low, factor)) in zip(ranges, zip(lows, factors)) {
          let alone = Matrix(rows: rows.count, columns: 50)
          weight.apply(
            Operand(x.rows(rows), recycler: recycler, pool: pool), rows: 0..<rows.count,
            plus: [
              LowRankTerm(
                rows: 0..<rows.count, low: Operand(low.rows(rows), recycler: recycler, pool: pool),
                lowRows: 0..<rows.count, factor: factor, .transposed)
            ], onto: start.rows(rows), into: alone, pool: pool)
          #expect(alone.values == together.rows(rows).values, "\(variant), \(rows)")
        }
      }
    }

    @Test(
      "a thin product rounded at once has the bits of one that is scaled and rounded after",
      arguments: [(1, 16, 66), (3, 5, 34), (9, 16, 2), (25, 40, 96), (50, 33, 33), (70, 9, 100)])
    func narrowed(rows: Int, rank: Int, inputs: Int) {
      var g = SplitMix64(seed: 12)
      let (x, a) = (random(rows, inputs, &g), random(rank, inputs, &g))
      let wide = rank > 16 ? 32 : 16
      let depth = ck_bf16_filled(inputs)
      let stride = ck_bf16_filled(rank) + 32
      var portable: [Float] = []
      underEachVariant { variant in
        var left = [UInt16](repeating: 0, count: rows * depth)
        var panels = [UInt16](repeating: 0, count: (rank + wide - 1) / wide * wide * depth)
        unsafe ck_bf16_rows(rows, inputs, x.pointer, inputs, &left, depth)
        for first in Swift.stride(from: 0, to: rank, by: wide) {
          unsafe panels.withUnsafeMutableBufferPointer { panels in
            unsafe ck_bf16_pack(
              wide, min(wide, rank - first), inputs, a.pointer + first * inputs, inputs,
              panels.baseAddress! + first * depth)
          }
        }
        var product = [Float](repeating: 0, count: rows * rank)
        var expected = [UInt16](repeating: 0, count: rows * stride)
        var found = [UInt16](repeating: 7, count: rows * stride)
        unsafe left.withUnsafeBufferPointer { left in
          unsafe panels.withUnsafeBufferPointer { panels in
            var term = unsafe ck_bf16_term(
              rows: left.baseAddress, stride: depth, panel: panels.baseAddress,
              panel_stride: wide * depth, depth: (inputs + 1) / 2 * 2)
            unsafe ck_bf16_product(rows, wide, rank, 1, &term, nil, 0, &product, rank)
            unsafe ck_bf16_product_narrow(rows, wide, rank, &term, 0.75, &found, stride)
          }
        }
        if portable.isEmpty { portable = product }
        #expect(firstDifference(product, portable, rtol: 1e-5) == nil, "\(variant)")
        unsafe ck_scale(rows * rank, 0.75, &product)
        unsafe ck_bf16_rows(rows, rank, product, rank, &expected, stride)
        #expect(found == expected, "\(variant)")
        #expect(expected.contains { $0 != 0 })
      }
    }
  }
}
