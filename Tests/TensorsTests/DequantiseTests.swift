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
