import CKernels
import Expect
import Tensors
import Testing

extension KernelVariantTests {
  /// Frozen weights in blocks as the tape sees them: beside their own values, which `BlockPackingTests` holds exactly.
  @Suite("Weights in blocks")
  struct BlockWeightTests {
    private let pool = WorkerPool(threads: 2)
    private let recycler = BufferRecycler()

    private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
    }

    /// A stored matrix with its rows turned round, of ordinary values.
    private func stored(_ dtype: DType, _ rows: Int, _ columns: Int) throws -> StoredRows {
      var g = SplitMix64(seed: 8)
      guard dtype != .f32 else { return StoredRows(random(rows, columns, &g)) }
      var bytes = (0..<(try #require(dtype.byteCount(of: columns))) * rows).map { _ in
        UInt8(truncatingIfNeeded: g.next() >> 9)
      }
      for block in stride(from: 0, to: bytes.count, by: dtype.bytesPerBlock) {
        for place in dtype.halves {
          let bits = Float16(g.normal() / 64).bitPattern
          bytes[block + place] = UInt8(bits & 255)
          bytes[block + place + 1] = UInt8(bits >> 8)
        }
      }
      return StoredRows(Bytes(bytes), dtype: dtype, rows: rows, columns: columns) { rows - 1 - $0 }
    }

    /// The largest difference beside the root mean square of `expected`.
    private func relative(_ values: [Float], _ expected: [Float]) -> Float {
      let size = expected.reduce(0) { $0 + $1 * $1 } / Float(expected.count)
      return (zip(values, expected).map { abs($0 - $1) }.max() ?? 0) / size.squareRoot()
    }

    /// The root mean square of the differences beside that of `expected`.
    private func noise(_ values: [Float], _ expected: [Float]) -> Float {
      func size(_ values: [Float]) -> Float { values.reduce(0) { $0 + $1 * $1 } }
      return (size(zip(values, expected).map { $0 - $1 }) / size(expected)).squareRoot()
    }

    @Test(
      "multiply nearly as their values do, forward and back",
      arguments: [
        DType.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q3_K, .q4_K, .q5_K, .q6_K, .q2_K, .f32,
      ], [70, 2208])
    func products(dtype: DType, outputs: Int) throws {
      // In 8 bits the way back has blocks of outputs too where they are whole, more than are turned round at once.
      let inputs = max(96, dtype.valuesPerBlock)
      let source = try stored(dtype, outputs, inputs)
      let plain = FrozenWeight(source.matrix())
      // Floats and Q2_K are quantised anew; other K-quants' scales and minima are rounded to 11 bits; the rest is as it was.
      let isRequantised = dtype == .f32 || dtype == .q2_K
      let roundsScales = dtype.valuesPerBlock == 256
      var g = SplitMix64(seed: 2)
      let (x, dy) = (random(13, inputs, &g), random(13, outputs, &g))
      let term = LowRankTerm(
        rows: 3..<9, low: Operand(random(6, 4, &g), recycler: recycler, pool: pool), lowRows: 0..<6,
        factor: Factor(random(outputs, 4, &g)), .transposed)
      let back = LowRankTerm(
        rows: 3..<9, low: Operand(random(6, 4, &g), recycler: recycler, pool: pool), lowRows: 0..<6,
        factor: Factor(random(4, inputs, &g)), .plain)
      func results(_ weight: FrozenWeight) -> ([Float], [Float], [Float]) {
        let y = Matrix(repeating: 1, rows: 13, columns: outputs)
        weight.apply(
          Operand(x, recycler: recycler, pool: pool), rows: 0..<13, plus: [term], onto: y, into: y,
          pool: pool)
        let dx = Matrix(repeating: 1, rows: 13, columns: inputs)
        let gradient = Operand(dy, recycler: recycler, pool: pool)
        weight.applyTransposed(
          gradient, rows: 0..<2, into: dx, recycler: recycler, pool: pool)
        weight.applyTransposed(
          gradient, rows: 2..<13, plus: [back], accumulating: true, into: dx, recycler: recycler,
          pool: pool)
        let row = Matrix(rows: 2, columns: inputs)
        weight.gather([69, 3], into: row)
        return (y.values, dx.values, row.values)
      }
      let expected = results(plain)
      underEachVariant { variant in
        for format in [WeightFormat.int8, .native] where dtype != .f32 || format == .int8 {
          let found = results(
            FrozenWeight(source, format: format, arena: WeightArena(), pool: pool))
          // Only the thin product, in bf16, has fewer than 16 bits; rows without one have all but the one that a power of two
          // as scale may cost.
          // Of thirty times as many values the farthest is farther off.
          let bound: Float = outputs > 70 ? 0.07 : 0.04
          #expect(
            relative(found.0, expected.0) < (format == .int8 || isRequantised ? bound : 0.015),
            "\(variant)")
          #expect(noise(found.0, expected.0) < 0.012, "\(variant)")
          if format == .native {
            #expect(
              relative(Array(found.0[..<(3 * outputs)]), Array(expected.0[..<(3 * outputs)]))
                < (dtype == .q2_K ? 0.03 : roundsScales ? 2e-3 : 3e-4), "\(variant)")
          }
          #expect(relative(found.1, expected.1) < (outputs > 70 ? 0.05 : 0.03), "\(variant)")
          #expect(noise(found.1, expected.1) < 0.012, "\(variant)")
          let rounding: Float? = isRequantised ? 0.02 : roundsScales ? 0x1p-9 : nil
          #expect(
            rounding.map { relative(found.2, expected.2) < $0 } ?? (found.2 == expected.2),
            "\(variant)")
        }
      }
    }

    @Test("give a row the same bits beside many adapters' rows as alone")
    func company() throws {
      let source = try stored(.q4_1, 70, 96)
      var g = SplitMix64(seed: 4)
      let x = random(13, 96, &g)
      let initial = random(13, 70, &g)
      // One or two rows each, some ranks unlike the others, and rows without any.
      let parts = [0..<1, 1..<3, 4..<5, 5..<6, 8..<10, 11..<12].enumerated().map { index, rows in
        let rank = index == 2 ? 5 : 16
        return (rows, random(rows.count, rank, &g), Factor(random(70, rank, &g)))
      }
      func term(_ part: (Range<Int>, Matrix, Factor)) -> LowRankTerm {
        LowRankTerm(
          rows: part.0, low: Operand(part.1, recycler: recycler, pool: pool),
          lowRows: 0..<part.0.count,
          factor: part.2, .transposed)
      }
      underEachVariant { variant in
        for format in [WeightFormat.int8, .native] {
          let weight = FrozenWeight(source, format: format, arena: WeightArena(), pool: pool)
          func output(_ rows: Range<Int>, _ terms: [LowRankTerm]) -> Matrix {
            let y = Matrix(repeating: 0, rows: 13, columns: 70)
            weight.apply(
              Operand(x, recycler: recycler, pool: pool), rows: rows, plus: terms, onto: initial,
              into: y,
              pool: pool)
            return y.rows(rows)
          }
          let together = output(0..<13, parts.map(term))
          for part in parts {
            #expect(
              output(part.0, [term(part)]).values == together.rows(part.0).values, "\(variant)")
          }
          #expect(output(3..<4, []).values == together.rows(3..<4).values, "\(variant)")
        }
      }
    }

    @Test("take fewer bytes than floats do")
    func sizes() throws {
      func bytes(_ dtype: DType, _ format: WeightFormat) throws -> Int {
        FrozenWeight(
          try stored(dtype, 64, 64), format: format, arena: WeightArena(), pool: nil
        ).byteCount
      }
      #expect(try bytes(.q4_0, .native) == 4096 * 18 / 32)
      #expect(try bytes(.q4_1, .native) == 4096 * 20 / 32)
      #expect(try bytes(.q5_0, .native) == 4096 * 22 / 32)
      #expect(try bytes(.q5_1, .native) == 4096 * 24 / 32)
      #expect(try bytes(.q8_0, .native) == 4096 * 34 / 32)
      #expect(try bytes(.f32, .int8) == 4096 * 34 / 32)
      #expect(try bytes(.f32, .native) == 4096 * 2)
      #expect(try bytes(.q4_0, .f32) == 4096 * 4)
    }
  }
}
