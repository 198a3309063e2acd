import CKernels
import Tensors
import Testing

// Inside the suite that forces variants, which runs one test at a time.
extension KernelVariantTests {
  @Suite("Block packing")
  struct BlockPackingTests {
    /// Zero, subnormal, negative, ordinary, infinite and not a number, for whole blocks.
    private static func oddScale(_ block: Int) -> UInt16 {
      [0x0000, 0x0003, 0xA123, 0x2C5A, 0x7C00, 0xFE01][block % 6]
    }

    private static let storedKinds: [BlockWeight.Kind] = BlockWeight.Kind.allCases.filter {
      $0 != .int8
    }

    @Test("a packed row has the values of its stored row", arguments: storedKinds, [1, 31, 32, 45])
    func roundTrip(kind: BlockWeight.Kind, columns: Int) {
      for scale in [nil, Self.oddScale] {
        let weight = BlockWeight(kind, columns: columns, blocks: 3, scale: scale)
        for output in 0..<columns {
          let expected = weight.source.rows(weight.order[output]..<weight.order[output] + 1).values
          // A zero may lose its sign.
          let difference = firstOtherBits(
            weight.row(output).map { $0 + 0 }, expected.map { $0 + 0 })
          #expect(difference == nil, "output \(output)")
        }
        for output in columns..<32 * weight.panelCount {
          #expect(weight.row(output).allSatisfy { $0 == 0 }, "output \(output) fills the panel up")
        }
      }
    }

    @Test("floats become the nearest of 255 steps of a half-precision scale")
    func floats() {
      underEachVariant { variant in
        let weight = BlockWeight(.int8, columns: 37, blocks: 2)
        for output in 0..<weight.columns {
          let row = weight.source.rows(weight.order[output]..<weight.order[output] + 1).values
          let expected = (0..<row.count).map { k in
            let block = row[k / 32 * 32..<k / 32 * 32 + 32]
            let d = Float(Float16((block.map(abs).max() ?? 0) / 127))
            return d * Float(Int((row[k] * (1 / d)).rounded(.toNearestOrEven)))
          }
          #expect(firstOtherBits(weight.row(output), expected) == nil, "\(variant), \(output)")
        }
      }
    }

    @Test("small floats keep their greatest, and what is not finite shows")
    func oddFloats() {
      underEachVariant { variant in
        for greatest: Float in [1e-3, 2e-4, 3e-6, 0] {
          var row = (0..<32).map { greatest * Float($0 - 16) / 20 }
          row[5] = greatest
          let packed = widened(row)
          // The step is at least the least float16, 2^-24; half of it is as near as can be.
          let step = max(greatest / 127 + 0x1p-24, 0)
          for k in row.indices {
            #expect(abs(packed[k] - row[k]) <= step / 2, "\(variant), \(greatest), element \(k)")
          }
        }
        for odd: Float in [.nan, .infinity, -.infinity] {
          var row = [Float](repeating: 1, count: 32)
          row[9] = odd
          #expect(widened(row).allSatisfy { !$0.isFinite }, "\(variant), \(odd)")
        }
      }
    }

    private func widened(_ row: [Float]) -> [Float] {
      var panel = [UInt8](repeating: 0, count: ck_blocks_bytes(CK_BLOCKS_8))
      var values = row
      unsafe ck_blocks_pack_f32(1, 1, row, nil, &panel)
      unsafe ck_blocks_widen_row(CK_BLOCKS_8, 1, panel, 0, &values)
      return values
    }

    @Test("blocks turn round into blocks", arguments: BlockWeight.Kind.allCases)
    func turnedBlocks(kind: BlockWeight.Kind) {
      for scale in [nil, Self.oddScale, { _ in 0x0003 }] {
        let weight = BlockWeight(kind, columns: 45, blocks: 3, scale: scale)
        let rows = (0..<64).map { weight.row($0) }
        for block in 0..<3 {
          let columns = (0..<32).flatMap { k in rows.map { $0[32 * block + k] } }
          var expected = [UInt8](repeating: 0, count: 2 * ck_blocks_bytes(CK_BLOCKS_8))
          unsafe ck_blocks_pack_f32(32, 2, columns, nil, &expected)
          underEachVariant { variant in
            let turned = weight.turnedPanel(block)
            for input in 0..<32 {
              // What is not finite shows, whatever its bits.
              let (actual, wanted) = (widened(turned, input), widened(expected, input))
              for part in [0..<32, 32..<64] {
                let right =
                  wanted[part].allSatisfy(\.isFinite)
                  ? firstOtherBits(Array(actual[part]), Array(wanted[part])) == nil
                  : actual[part].allSatisfy { !$0.isFinite }
                #expect(right, "\(variant), input \(32 * block + input), outputs \(part)")
              }
            }
          }
        }
      }
    }

    private func widened(_ panel: [UInt8], _ row: Int) -> [Float] {
      var values = [Float](repeating: 0, count: 64)
      unsafe ck_blocks_widen_row(CK_BLOCKS_8, 2, panel, row, &values)
      return values
    }

    @Test("blocks turn round into rounded pairs", arguments: BlockWeight.Kind.allCases)
    func turned(kind: BlockWeight.Kind) {
      for scale in [nil, Self.oddScale] {
        let weight = BlockWeight(kind, columns: 45, blocks: 3, scale: scale)
        let rows = (0..<64).map { weight.row($0) }
        underEachVariant { variant in
          let turned = weight.turned()
          for (index, actual) in turned.enumerated() {
            let (k, panel, block) = (index / 2 % 32, index / 1024 % 2, index / 2048)
            let output = 32 * panel + index / 64 % 16 * 2 + index % 2
            let value = rows[output][32 * block + k]
            let bits = value.bitPattern
            let expected = UInt16(
              truncatingIfNeeded: (UInt64(bits) + 0x7FFF + UInt64(bits >> 16 & 1)) >> 16)
            let right =
              value.isNaN
              ? Float(bitPattern: UInt32(actual) << 16).isNaN : actual == expected
            guard right else {
              Issue.record("\(variant): output \(output), input \(32 * block + k): \(actual)")
              return
            }
          }
        }
      }
    }
  }
}

/// The first place where two lists differ in a bit; one NaN is as good as another.
func firstOtherBits(_ actual: [Float], _ expected: [Float]) -> String? {
  guard actual.count == expected.count else { return "\(actual.count) for \(expected.count)" }
  for (index, pair) in zip(actual, expected).enumerated()
  where pair.0.bitPattern != pair.1.bitPattern && !(pair.0.isNaN && pair.1.isNaN) {
    return "element \(index): \(pair.0) where \(pair.1) was expected"
  }
  return nil
}
