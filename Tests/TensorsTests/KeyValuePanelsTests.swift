import CKernels
import Tensors
import Testing

extension KernelVariantTests {
  /// Keys and values kept in 16 bits, however they came there.
  @Suite("Kept keys and values")
  struct KeyValuePanelsTests {
    private let recycler = BufferRecycler()

    private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
    }

    private func output(
      _ attention: Attention, _ queries: Matrix, _ segment: AttentionSegment, threads: Int = 1
    ) -> [Float] {
      let pool = WorkerPool(threads: threads)
      defer { pool.shutDown() }
      let y = Matrix(rows: queries.rows, columns: queries.columns)
      attention.forward(
        queries: queries, segments: [segment], into: y, logSums: nil, recycler: recycler, pool: pool
      )
      return y.values
    }

    private static let shapes = [
      (64, 3, nil), (20, 4, nil), (16, 1, 30), (5, 2, nil), (33, 13, 40), (128, 2, nil),
    ]

    private static let formats = [AttentionFormat.bf16, .f16]

    @Test("give the bits of the same as floats, written in any pieces", arguments: shapes, formats)
    func written(shape: (headSize: Int, group: Int, window: Int?), format: AttentionFormat) throws {
      let (headSize, group, window) = shape
      var g = SplitMix64(seed: UInt64(headSize))
      let (pairs, count) = (2, 77)
      let attention = Attention(
        heads: pairs * group, keyValueHeads: pairs, headSize: headSize, window: window,
        format: format)
      let keys = random(count, pairs * headSize, &g)
      let values = random(count, pairs * headSize, &g)
      try underEachVariant { variant in
        for (rows, pieces) in [(1, [77]), (1, [1, 31, 33, 3, 9]), (5, [40, 37]), (60, [2, 75])] {
          let panels = try KeyValuePanels(
            heads: 3, headSize: headSize, capacity: count, format: format
          )
          .heads(1..<3)
          var first = 0
          for piece in pieces {
            panels.writeAll(
              keys: keys.rows(first..<first + piece), values: values.rows(first..<first + piece),
              at: first)
            first += piece
          }
          let queries = random(rows, pairs * group * headSize, &g)
          let expected = output(
            attention, queries,
            AttentionSegment(
              rows: 0..<rows, firstPosition: count - rows, keys: keys, values: values))
          let found = output(
            attention, queries,
            AttentionSegment(rows: 0..<rows, firstPosition: count - rows, panels: panels))
          #expect(found == expected, "\(variant), \(rows) rows, written as \(pieces)")
        }
      }
    }

    @Test("give the same bits copied, from and to any position", arguments: shapes, formats)
    func copied(shape: (headSize: Int, group: Int, window: Int?), format: AttentionFormat) throws {
      let (headSize, group, window) = shape
      var g = SplitMix64(seed: 5)
      let (pairs, count) = (2, 110)
      let attention = Attention(
        heads: pairs * group, keyValueHeads: pairs, headSize: headSize, window: window,
        format: format)
      let panels = try KeyValuePanels(
        heads: pairs, headSize: headSize, capacity: count, format: format)
      panels.writeAll(
        keys: random(count, pairs * headSize, &g), values: random(count, pairs * headSize, &g),
        at: 0)
      let queries = random(2, pairs * group * headSize, &g)
      func output(_ panels: KeyValuePanels) -> [Float] {
        self.output(
          attention, queries,
          AttentionSegment(rows: 0..<2, firstPosition: count - 2, panels: panels))
      }
      let expected = output(panels)
      for cuts in [[110], [64, 32, 14], [1, 63, 2, 44], [33, 32, 45]] {
        let copy = try KeyValuePanels(
          heads: pairs, headSize: headSize, capacity: 200, format: format)
        var first = 0
        for cut in cuts {
          let part = try KeyValuePanels(
            heads: pairs, headSize: headSize, capacity: cut, format: format)
          part.copy(first..<first + cut, of: panels, to: 0)
          copy.copy(0..<cut, of: part, to: first)
          first += cut
        }
        #expect(output(copy) == expected, "cut as \(cuts)")
      }
    }

    @Test(
      "a long text's last row agrees with doubles, on one thread or several", arguments: shapes,
      formats)
    func long(shape: (headSize: Int, group: Int, window: Int?), format: AttentionFormat) throws {
      let (headSize, group, window) = shape
      var g = SplitMix64(seed: 23)
      let count = 1_201
      let attention = Attention(
        heads: group, keyValueHeads: 1, headSize: headSize, window: window, format: format)
      let keys = random(count, headSize, &g)
      let values = random(count, headSize, &g)
      let queries = random(1, group * headSize, &g)
      let panels = try KeyValuePanels(heads: 1, headSize: headSize, capacity: count, format: format)
      panels.write(head: 0, keys: keys, values: values, at: 0)
      let segment = AttentionSegment(rows: 0..<1, firstPosition: count - 1, panels: panels)
      let expected = (0..<group).flatMap { head in
        attend(
          queries.values[head * headSize..<(head + 1) * headSize].map {
            format == .bf16 ? rounded($0, format) : Double($0)
          }, keys, values, format, from: max(0, count - (window ?? count)))
      }
      underEachVariant { variant in
        let found = output(attention, queries, segment)
        #expect(found == output(attention, queries, segment, threads: 3), "\(variant)")
        let worst = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? 0
        // Values of about 1, and in bf16 probabilities to 8 bits.
        #expect(worst < (format == .bf16 ? 0.004 : 2e-6), "\(variant): \(worst)")
      }
    }

    /// The nearest number of the format.
    private func rounded(_ x: Float, _ format: AttentionFormat) -> Double {
      guard format == .bf16 else { return Double(Float16(x)) }
      let bits = x.bitPattern
      return Double(Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000))
    }

    /// One head's attention in doubles over rounded keys and values.
    private func attend(
      _ query: [Double], _ keys: Matrix, _ values: Matrix, _ format: AttentionFormat,
      from first: Int
    ) -> [Double] {
      let scores = (first..<keys.rows).map { row in
        query.indices.reduce(0.0) { $0 + query[$1] * rounded(keys[row, $1], format) }
          / Double(query.count).squareRoot()
      }
      let top = scores.max() ?? 0
      let weights = scores.map { power($0 - top) }
      let sum = weights.reduce(0, +)
      return query.indices.map { column in
        weights.indices.reduce(0.0) {
          $0 + weights[$1] / sum * rounded(values[first + $1, column], format)
        }
      }
    }

    /// e^x by squaring a short series, so that no library is needed.
    private func power(_ x: Double) -> Double {
      let small = x / 1024
      var result = 1 + small * (1 + small / 2 * (1 + small / 3 * (1 + small / 4)))
      for _ in 0..<10 { result *= result }
      return result
    }
  }
}

extension KeyValuePanels {
  /// Writes every head's part.
  fileprivate func writeAll(keys: Matrix, values: Matrix, at position: Int) {
    for head in 0..<heads { write(head: head, keys: keys, values: values, at: position) }
  }
}
