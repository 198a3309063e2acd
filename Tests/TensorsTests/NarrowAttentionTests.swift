import CKernels
import Tensors
import Testing

extension KernelVariantTests {
  /// Attention over packed keys and values beside the same in floats.
  @Suite("Attention in 16 bits")
  struct NarrowAttentionTests {
    private let pool = WorkerPool(threads: 2)
    private let recycler = BufferRecycler()

    private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
    }

    /// The largest difference beside the root mean square of `expected`.
    private func relative(_ values: [Float], _ expected: [Float]) -> Float {
      let size = expected.reduce(0) { $0 + $1 * $1 } / Float(expected.count)
      return (zip(values, expected).map { abs($0 - $1) }.max() ?? 0) / size.squareRoot()
    }

    /// Heads' size, keys held before, queries, window.
    static let shapes: [(Int, Int, Int, Int?)] = [
      (64, 0, 100, nil), (16, 0, 49, 7), (4, 37, 13, nil), (20, 70, 50, 40), (64, 9, 1, nil),
      (32, 5, 1, 3),
    ]

    static let formats = [AttentionFormat.bf16, .f16]

    @Test("agrees with attention in floats, forward and back", arguments: shapes, formats)
    func agrees(
      shape: (headSize: Int, held: Int, count: Int, window: Int?), format: AttentionFormat
    ) {
      let (headSize, held, count, window) = shape
      var g = SplitMix64(seed: UInt64(headSize + count))
      let (heads, pairs) = (6, 2)
      let queries = random(count + 2, heads * headSize, &g)
      let dy = random(count + 2, heads * headSize, &g)
      // A second segment of two rows, so that places in the batch differ from positions.
      let segments = [(0..<count, held), (count..<count + 2, 0)].map { rows, first in
        AttentionSegment(
          rows: rows, firstPosition: first,
          keys: random(first + rows.count, pairs * headSize, &g),
          values: random(first + rows.count, pairs * headSize, &g))
      }
      func results(_ format: AttentionFormat) -> [[Float]] {
        let attention = Attention(
          heads: heads, keyValueHeads: pairs, headSize: headSize, window: window,
          format: format)
        let y = Matrix(rows: count + 2, columns: heads * headSize)
        let alone = Matrix(rows: count + 2, columns: heads * headSize)
        let logSums = Matrix(rows: count + 2, columns: heads)
        attention.forward(
          queries: queries, segments: segments, into: y, logSums: logSums, recycler: recycler,
          pool: pool)
        attention.forward(
          queries: queries, segments: segments, into: alone, logSums: nil, recycler: recycler,
          pool: pool)
        let dq = Matrix(rows: count + 2, columns: heads * headSize)
        let dk = segments.map {
          Matrix(repeating: 1, rows: $0.keys.rows, columns: $0.keys.columns)
        }
        let dv = segments.map {
          Matrix(repeating: 1, rows: $0.keys.rows, columns: $0.keys.columns)
        }
        attention.backward(
          dy: dy, output: y, logSums: logSums, queries: queries, segments: segments, dQueries: dq,
          dKeys: dk, dValues: dv, recycler: recycler, pool: pool)
        return [y.values, alone.values, logSums.values, dq.values]
          + (dk + dv).map { $0.values.map { $0 - 1 } }
      }
      let expected = results(.f32)
      underEachVariant { variant in
        for (place, (found, wanted)) in zip(results(format), expected).enumerated() {
          #expect(
            relative(found, wanted) < (format == .f16 ? 0.008 : 0.06), "\(variant), result \(place)"
          )
        }
      }
    }

    @Test(
      "gives a row the same bits whole or in pieces, with one thread or three", arguments: formats)
    func pieces(format: AttentionFormat) {
      var g = SplitMix64(seed: 3)
      let attention = Attention(
        heads: 4, keyValueHeads: 2, headSize: 16, window: nil, format: format)
      let (queries, keys, values) = (
        random(90, 64, &g), random(90, 32, &g), random(90, 32, &g)
      )
      func output(_ cuts: [Range<Int>], threads: Int) -> [Float] {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutDown() }
        let y = Matrix(rows: 90, columns: 64)
        attention.forward(
          queries: queries,
          segments: cuts.map {
            AttentionSegment(
              rows: $0, firstPosition: $0.lowerBound, keys: keys.rows(0..<$0.upperBound),
              values: values.rows(0..<$0.upperBound))
          }, into: y, logSums: nil, recycler: recycler, pool: pool)
        return y.values
      }
      underEachVariant { variant in
        let whole = output([0..<90], threads: 1)
        #expect(whole == output([0..<90], threads: 3), "\(variant)")
        #expect(whole == output([0..<37, 37..<90], threads: 2), "\(variant)")
      }
    }
  }
}
