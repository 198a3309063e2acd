import CKernels
import Expect
import Foundation
import Tensors
import Testing

// Inside the suite that forces variants, which runs one test at a time: the variant is one for the process.
extension KernelVariantTests {
  @Suite("Dequantisation")
  struct DequantiseTests {
    static let blockTypes = DType.allCases.filter { $0.valuesPerBlock > 1 }

    @Test("blocks give the bits of ggml's own Python", arguments: blockTypes)
    func blocks(dtype: DType) throws {
      let stored = Bytes([UInt8](try Fixtures.data("checkpoints/blocks/\(dtype.rawValue).bin")))
      let expected = Bytes([UInt8](try Fixtures.data("checkpoints/blocks/\(dtype.rawValue).f32")))
      let rows = stored.count / dtype.bytesPerBlock
      let columns = dtype.valuesPerBlock
      let golden = Matrix(sharing: expected, rows: rows, columns: columns).values
      underEachVariant { variant in
        let values = Matrix(dequantising: stored, dtype: dtype, rows: rows, columns: columns).values
        let wrong = values.indices.first { values[$0].bitPattern != golden[$0].bitPattern }
        #expect(wrong == nil, "\(variant): element \(wrong ?? 0)")
      }
    }

    @Test("Q4_K becomes Q4_1 with its quants, and scales rounded once")
    func splitting() throws {
      let stored = [UInt8](try Fixtures.data("checkpoints/blocks/Q4_K.bin"))
      let count = stored.count / 144
      underEachVariant { variant in
        var split = [UInt8](repeating: 0x55, count: count * 160)
        unsafe ck_q4_1_of_q4_k(count, stored, &split)
        for block in 0..<count * 8 {
          let part = Array(split[20 * block..<20 * block + 20])
          let all = Array(stored[block / 8 * 144..<block / 8 * 144 + 144])
          let half = { (at: Int) in
            Float(Float16(bitPattern: UInt16(all[at]) | UInt16(all[at + 1]) << 8))
          }
          let expected = Self.scales(block % 8, Array(all[4..<16])).map(Float.init)
          let (scale, minimum) = (half(0) * expected[0], -half(2) * expected[1])
          let most = Float(Float16.greatestFiniteMagnitude)
          for (place, value) in [(0, scale), (2, minimum)] {
            let bits = UInt16(part[place]) | UInt16(part[place + 1]) << 8
            let rounded = Float16(max(-most, min(most, value)))
            #expect(bits == rounded.bitPattern, "\(variant), block \(block), byte \(place)")
          }
          let shift = block % 2 * 4
          let first = 16 + block % 8 / 2 * 32
          let quants = all[first..<first + 32].map { $0 >> shift & 15 }
          let found = part[4...].map { $0 & 15 } + part[4...].map { $0 >> 4 }
          #expect(found == quants, "\(variant), block \(block)")
        }
      }
    }

    /// The 6-bit scale and minimum of a sub-block, read bit by bit.
    private static func scales(_ index: Int, _ packed: [UInt8]) -> [Int] {
      func bits(_ byte: UInt8, _ from: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | (Int(byte) >> (from + $1) & 1) << $1 }
      }
      if index < 4 { return [bits(packed[index], 0, 6), bits(packed[index + 4], 0, 6)] }
      return [
        bits(packed[index + 4], 0, 4) + 16 * bits(packed[index - 4], 6, 2),
        bits(packed[index + 4], 4, 4) + 16 * bits(packed[index], 6, 2),
      ]
    }

    @Test("every half-precision number becomes its float", arguments: [DType.f16, .bf16])
    func halves(dtype: DType) {
      let patterns = (0...UInt16.max).map { $0 }
      let bytes = Bytes(patterns.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
      underEachVariant { variant in
        let values = Matrix(dequantising: bytes, dtype: dtype, rows: 256, columns: 256).values
        let wrong = patterns.first { pattern in
          let value = values[Int(pattern)]
          let expected =
            dtype == .f16
            ? Float(Float16(bitPattern: pattern)) : Float(bitPattern: UInt32(pattern) << 16)
          return expected.isNaN ? !value.isNaN : value.bitPattern != expected.bitPattern
        }
        #expect(wrong == nil, "\(variant): pattern \(wrong ?? 0)")
      }
    }

    @Test("row ranges and a pool give the same values", arguments: DType.allCases)
    func ranges(dtype: DType) throws {
      let rows = 37
      let columns = dtype.valuesPerBlock * 3
      let size = try #require(dtype.byteCount(of: columns)) * rows
      var generator = SplitMix64(seed: 5)
      // Without these bits no scale is infinite.
      let bytes = Bytes((0..<size).map { _ in UInt8(generator.next() & 0x3B) })
      let whole = Matrix(dequantising: bytes, dtype: dtype, rows: rows, columns: columns)
      let parts = Matrix(rows: rows, columns: columns)
      for start in stride(from: 0, to: rows, by: 5) {
        parts.dequantise(start..<min(rows, start + 5), from: bytes, dtype: dtype)
      }
      #expect(parts.values == whole.values)
      let pool = WorkerPool(threads: 2)
      defer { pool.shutDown() }
      let shared = Matrix(
        dequantising: bytes, dtype: dtype, rows: rows, columns: columns, pool: pool)
      #expect(shared.values == whole.values)
    }

    @Test("sizes are whole blocks and do not overflow")
    func sizes() {
      #expect(DType.q4_K.byteCount(of: 512) == 288)
      #expect(DType.q4_K.byteCount(of: 511) == nil)
      #expect(DType.f32.byteCount(of: Int.max) == nil)
      #expect(DType.f32.byteCount(of: -4) == nil)
    }
  }
}
