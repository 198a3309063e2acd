import CKernels
import Expect
import Tensors
import Testing

// Inside the suite that forces variants, which runs one test at a time.
extension KernelVariantTests {
  @Suite("Block products")
  struct BlockProductTests {
    private func random(_ count: Int, seed: UInt64 = 7) -> [Float] {
      var g = SplitMix64(seed: seed)
      return (0..<count).map { _ in g.normal() }
    }

    private func quantised(_ x: [Float], rows: Int, blocks: Int, parts: Int = 1) -> BlockRows {
      BlockRows(x, rows: rows, blocks: blocks, stride: blocks * 32, parts: parts)
    }

    /// `y = initial + x W^T` of some rows and panels, in a matrix three columns wider than the product.
    private func product(
      _ x: BlockRows, _ weight: BlockWeight, rows: Range<Int>, panels: Range<Int>,
      initial: [Float]?, inPlace: Bool = false
    ) -> [Float] {
      let (blocks, stride) = (weight.blocks, weight.columns + 3)
      let columns = min(weight.columns, 32 * panels.upperBound) - 32 * panels.lowerBound
      var y = inPlace ? initial ?? [] : [Float](repeating: -1, count: rows.count * stride)
      let packed = Array(weight.panels[(panels.lowerBound * weight.panelBytes)...])
      unsafe y.withUnsafeMutableBufferPointer { out in
        guard let to = out.baseAddress else { return }
        unsafe x.from(row: rows.lowerBound) { x in
          if let initial, !inPlace {
            unsafe ck_blocks_product(
              weight.kind.format, rows.count, columns, blocks, x, packed, initial, stride, to,
              stride, nil)
          } else {
            unsafe ck_blocks_product(
              weight.kind.format, rows.count, columns, blocks, x, packed,
              inPlace ? UnsafePointer(to) : nil, stride, to, stride, nil)
          }
        }
      }
      return y
    }

    private func reference(
      _ x: BlockRows, _ weight: BlockWeight, rows: Int, initial: [Float]?
    ) -> [Float] {
      let (width, stride) = (weight.blocks * 32, weight.columns + 3)
      var y = [Float](repeating: -1, count: rows * stride)
      for output in 0..<weight.columns {
        let w = weight.row(output)
        for t in 0..<rows {
          var sum = Double(initial?[t * stride + output] ?? 0)
          for k in 0..<width {
            let scale = Double(x.facts[t * weight.blocks + k / 32].scale)
            sum += Double(w[k]) * Double(x.quant(t, k)) * scale
          }
          y[t * stride + output] = Float(sum)
        }
      }
      return y
    }

    @Test(
      "are near exact arithmetic, with the same bits under every variant",
      arguments: BlockWeight.Kind.allCases, [(1, 1), (33, 3), (64, 2), (77, 9)])
    func exact(kind: BlockWeight.Kind, shape: (columns: Int, blocks: Int)) {
      let (columns, blocks) = shape
      for (extreme, parts) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
        let weight = BlockWeight(kind, columns: columns, blocks: blocks, extreme: extreme)
        for rows in 1...14 {
          let values = random(rows * blocks * 32).map { extreme ? ($0 < -0.5 ? -1 : 1) : $0 }
          let x = quantised(values, rows: rows, blocks: blocks, parts: parts)
          let start = random(rows * (columns + 3), seed: 9)
          for initial in [nil, start] {
            let expected = reference(x, weight, rows: rows, initial: initial)
            var first: [Float]?
            underEachVariant { variant in
              let y = product(
                x, weight, rows: 0..<rows, panels: 0..<weight.panelCount, initial: initial)
              let difference =
                firstDifference(y, expected, rtol: 1e-6) ?? firstOtherBits(y, first ?? y)
              #expect(
                difference == nil, "\(variant), \(rows) rows, extreme \(extreme), \(parts) parts")
              first = first ?? y
            }
          }
        }
      }
    }

    @Test(
      "of so many rows and blocks that they go in turns have the bits of a row alone",
      arguments: BlockWeight.Kind.allCases, [19, 37])
    func inTurns(kind: BlockWeight.Kind, blocks: Int) {
      let (rows, columns) = (291, 33)
      let weight = BlockWeight(kind, columns: columns, blocks: blocks)
      for parts in [1, 2] {
        var values = random(rows * blocks * 32)
        values[290 * blocks * 32 + 7] = .infinity
        let x = quantised(values, rows: rows, blocks: blocks, parts: parts)
        let start = random(rows * (columns + 3), seed: 9)
        var first: [Float]?
        underEachVariant { variant in
          let y = product(
            x, weight, rows: 0..<rows, panels: 0..<weight.panelCount, initial: start, inPlace: true)
          #expect(firstOtherBits(y, first ?? y) == nil, "\(variant), \(parts) parts")
          first = first ?? y
          for row in [0, 4, 287, 288, 290] {
            let place = row * (columns + 3)..<(row + 1) * (columns + 3)
            let alone = product(
              x, weight, rows: row..<row + 1, panels: 0..<weight.panelCount,
              initial: Array(start[place]), inPlace: true)
            #expect(firstOtherBits(alone, Array(y[place])) == nil, "\(variant), row \(row)")
          }
        }
      }
    }

    @Test("fetch what is read soon without a trace", arguments: [1, 2])
    func ahead(parts: Int) {
      let (rows, blocks) = (13, 2)
      let weight = BlockWeight(.q4_1, columns: 70, blocks: blocks)
      let x = quantised(random(rows * blocks * 32), rows: rows, blocks: blocks, parts: parts)
      let soon = [UInt8](repeating: 3, count: 1_000)
      underEachVariant { variant in
        let expected = product(
          x, weight, rows: 0..<rows, panels: 0..<weight.panelCount, initial: nil)
        unsafe soon.withUnsafeBufferPointer { soon in
          let at = unsafe UnsafeRawPointer(soon.baseAddress)
          for sizes in [[], [0], [1], [0, 700, 0, 0, 65, 0], [64, 64], [1_000]] {
            let ranges = unsafe sizes.map { unsafe ck_range(from: at, bytes: $0) }
            for (first, lines) in [(0, 1), (0, 1_000), (1, 5), (11, 900), (50, 50), (3, 0)] {
              var y = [Float](repeating: -1, count: rows * 73)
              unsafe ranges.withUnsafeBufferPointer { ranges in
                var ahead = unsafe ck_ahead(
                  ranges: ranges.baseAddress, count: ranges.count, first: first, lines: lines)
                unsafe x.from(row: 0) { x in
                  unsafe ck_blocks_product(
                    weight.kind.format, rows, 70, blocks, x, weight.panels, nil, 0, &y, 73, &ahead)
                }
              }
              #expect(y == expected, "\(variant), \(sizes) from \(first), \(lines)")
            }
          }
        }
      }
    }

    @Test(
      "some of the blocks, with the activations of theirs", arguments: BlockWeight.Kind.allCases,
      [1, 2])
    func someBlocks(kind: BlockWeight.Kind, parts: Int) {
      let rows = 8
      let x = quantised(random(rows * 5 * 32), rows: rows, blocks: 5, parts: parts)
      var dense = quantised(random(rows * 64), rows: rows, blocks: 2, parts: parts)
      for row in 0..<rows {
        for block in 0..<2 {
          dense.facts[row * 2 + block] = x.facts[row * 5 + 1 + block]
        }
        for part in row * parts..<(row + 1) * parts {
          dense.quants.replaceSubrange(
            part * 64..<(part + 1) * 64, with: x.quants[part * 160 + 32..<part * 160 + 96])
        }
      }
      let weight = BlockWeight(kind, columns: 45, blocks: 2)
      underEachVariant { variant in
        var y = [Float](repeating: -1, count: rows * 45)
        unsafe x.from(row: 0, block: 1) { x in
          unsafe ck_blocks_product(kind.format, rows, 45, 2, x, weight.panels, nil, 0, &y, 45, nil)
        }
        let whole = product(dense, weight, rows: 0..<rows, panels: 0..<2, initial: nil)
        for row in 0..<rows {
          #expect(
            Array(y[row * 45..<(row + 1) * 45]) == Array(whole[row * 48..<row * 48 + 45]),
            "\(variant), row \(row)")
        }
      }
    }

    @Test("a sum in place adds to what was there and touches nothing else")
    func accumulate() {
      for (kind, parts) in BlockWeight.Kind.allCases.flatMap({ [($0, 1), ($0, 2)] }) {
        let weight = BlockWeight(kind, columns: 45, blocks: 2)
        let x = quantised(random(5 * 64), rows: 5, blocks: 2, parts: parts)
        let start = random(5 * 48, seed: 9)
        underEachVariant { variant in
          let apart = product(x, weight, rows: 0..<5, panels: 0..<2, initial: start)
          let inPlace = product(
            x, weight, rows: 0..<5, panels: 0..<2, initial: start, inPlace: true)
          for index in start.indices {
            let expected = index % 48 < 45 ? apart[index] : start[index]
            #expect(inPlace[index] == expected, "\(kind), \(variant), element \(index)")
          }
        }
      }
    }

    @Test(
      "a row has the same bits alone and in company", arguments: BlockWeight.Kind.allCases, [1, 2])
    func alone(kind: BlockWeight.Kind, parts: Int) {
      let (rows, columns, blocks) = (53, 77, 3)
      let weight = BlockWeight(kind, columns: columns, blocks: blocks)
      let x = quantised(random(rows * blocks * 32), rows: rows, blocks: blocks, parts: parts)
      underEachVariant { variant in
        let together = product(x, weight, rows: 0..<rows, panels: 0..<3, initial: nil)
        for (first, count) in [(0, 1), (1, 2), (3, 3), (6, 4), (10, 5), (15, 6), (21, 7), (28, 25)]
        {
          for panel in 0..<3 {
            let part = product(
              x, weight, rows: first..<first + count, panels: panel..<panel + 1, initial: nil)
            let width = min(columns - 32 * panel, 32)
            for t in 0..<count {
              let start = (first + t) * (columns + 3) + 32 * panel
              let difference = firstOtherBits(
                Array(part[t * (columns + 3)..<t * (columns + 3) + width]),
                Array(together[start..<start + width]))
              #expect(difference == nil, "\(variant), row \(first + t), panel \(panel)")
            }
          }
        }
      }
    }

    @Test("a scale of 0 makes zeros", arguments: BlockWeight.Kind.allCases, [1, 2])
    func zeroScale(kind: BlockWeight.Kind, parts: Int) {
      let weight = BlockWeight(kind, columns: 40, blocks: 3) { $0 % 3 == 1 ? 0x8000 : 0x2400 }
      let x = quantised(random(7 * 96), rows: 7, blocks: 3, parts: parts)
      let expected = reference(x, weight, rows: 7, initial: nil)
      underEachVariant { variant in
        let y = product(x, weight, rows: 0..<7, panels: 0..<2, initial: nil)
        #expect(firstDifference(y, expected, rtol: 1e-6) == nil, "\(variant)")
      }
    }

    @Test(
      "what is not finite spoils its row and no other", arguments: BlockWeight.Kind.allCases,
      [1, 2]
    )
    func spoilt(kind: BlockWeight.Kind, parts: Int) {
      let (rows, columns, blocks) = (9, 40, 18)
      let weight = BlockWeight(kind, columns: columns, blocks: blocks)
      var values = random(rows * blocks * 32)
      let sound = quantised(values, rows: rows, blocks: blocks, parts: parts)
      let bad: [(row: Int, at: Int, value: Float)] = [
        (1, 575, .nan), (4, 0, -.infinity), (5, 300, .infinity),
      ]
      for (row, at, value) in bad { values[row * blocks * 32 + at] = value }
      let x = quantised(values, rows: rows, blocks: blocks, parts: parts)
      underEachVariant { variant in
        let expected = product(sound, weight, rows: 0..<rows, panels: 0..<2, initial: nil)
        let y = product(x, weight, rows: 0..<rows, panels: 0..<2, initial: nil)
        for row in 0..<rows {
          let places = row * (columns + 3)..<row * (columns + 3) + columns
          if bad.contains(where: { $0.row == row }) {
            #expect(y[places].allSatisfy { !$0.isFinite }, "\(variant), row \(row)")
          } else {
            #expect(y[places] == expected[places], "\(variant), row \(row)")
          }
        }
      }
    }

    @Test(
      "rows are quantised to the nearest of 255 or 65,025 steps, with their sums",
      arguments: [1, 2], [3, 9])
    func quantise(parts: Int, blocks: Int) {
      let (rows, stride) = (5, blocks * 32 + 5)
      var x = random(rows * stride)
      for k in 0..<32 {
        x[k] = 0
        x[32 + k] *= 0x1p-110
        x[64 + k] *= 0x1p-70
        x[stride + k] *= parts == 1 ? 1e30 : 0x1p90
        x[stride + 32 + k] = Float(k - 16) + 0.5
      }
      x[stride + 32] = 127
      x[stride + 64] = 32512
      (x[2 * stride + 5], x[2 * stride + 40]) = (.nan, -.infinity)
      x[3 * stride] = parts == 1 ? .infinity : 0x1p100
      x[3 * stride + 33] = 32513
      underEachVariant { variant in
        let result = BlockRows(x, rows: rows, blocks: blocks, stride: stride, parts: parts)
        for block in 0..<rows * blocks {
          let start = block / blocks * stride + block % blocks * 32
          let values = Array(x[start..<start + 32])
          let quants = (0..<32).map { result.quant(block / blocks, block % blocks * 32 + $0) }
          let facts = result.facts[block]
          let greatest = values.map(abs).max() ?? 0
          guard values.allSatisfy(\.isFinite), parts == 1 || greatest < 0x1p100 else {
            #expect(!facts.scale.isFinite, "\(variant), block \(block)")
            continue
          }
          #expect(Int(facts.sum) == quants.reduce(0, +), "\(variant), \(block)")
          #expect(Int(facts.early_sum) == quants[..<16].reduce(0, +), "\(variant), \(block)")
          let sum = facts.scale * Float(facts.sum)
          let isSpoilt = parts == 2 && (2...3).contains(block / blocks)
          #expect(
            isSpoilt ? facts.scaled_sum.isNaN : facts.scaled_sum == sum,
            "\(variant), block \(block)")
          let scale = scale(of: greatest, parts: parts)
          let zero = greatest < (parts == 1 ? 0x1p-100 : 0x1p-80)
          if !zero { #expect(facts.scale == scale, "\(variant), block \(block)") }
          let expected = values.map { value in
            let steps = parts == 1 ? value * (127 / greatest) : value / scale
            return zero ? 0 : Int(steps.rounded(.toNearestOrEven))
          }
          #expect(quants == expected, "\(variant), block \(block)")
        }
      }
    }

    private func scale(of greatest: Float, parts: Int) -> Float {
      if parts == 1 { return greatest / 127 }
      var power = Float(0x1p-120)
      while power * 32512 < greatest { power *= 2 }
      return power
    }
  }
}
