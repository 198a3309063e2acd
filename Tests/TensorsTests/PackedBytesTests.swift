import Digests
import Tensors
import Testing

/// The bytes of packed weights, which files keep; among the suites that no other variant of the kernels may disturb.
extension KernelVariantTests {
  @Suite("Packed weights as bytes") struct PackedBytesTests {
    /// 45 rows of 96 values in each type, or of a block, from a generator of integers.
    private func stored(_ dtype: DType) throws -> StoredRows {
      var g = SplitMix64(seed: 5)
      let (rows, columns) = (45, max(96, dtype.valuesPerBlock))
      if dtype == .f32 {
        let values = (0..<rows * columns).map { _ in Float(Int(g.next() >> 48) - 32768) / 8192 }
        return StoredRows(Matrix(rows: rows, columns: columns, values))
      }
      let blocks = rows * columns / dtype.valuesPerBlock
      var bytes = (0..<blocks * dtype.bytesPerBlock).map { _ in
        UInt8(truncatingIfNeeded: g.next() >> 8)
      }
      // Scales and minima of an ordinary size: 2^-6 to 2^-5.
      for block in 0..<blocks {
        for place in dtype.halves { bytes[block * dtype.bytesPerBlock + place + 1] = 0x24 }
      }
      return StoredRows(Bytes(bytes), dtype: dtype, rows: rows, columns: columns)
    }

    // Whoever changes one of these digests raises `FrozenWeight.packingVersion`: files of the old one are left aside then.
    static let goldens: [(DType, WeightFormat, String)] = [
      (.f32, .bf16, "940d406f34bd075bb529e931c12dff9e9a5ecdfa5ae836cdf7d10a0a1995c8bc"),
      (.f32, .int8, "b47ec823fdbdcf02e045e1017679d3511011324063eb25d02335836f7b9f47d1"),
      (.q8_0, .native, "2d93337f64d9ab8699736a77b0c40e925770a7f453d1a0810656078a81964e49"),
      (.q4_0, .native, "4ea02d97fa3e1ddee6a666d72cf1723bfa93cb9c017d6bf561c85a7f2fcd1add"),
      (.q4_1, .native, "34630c549a4531f1cf12132e927007d1443dcb363ac19cdc4cf3a55f4892d4dd"),
      (.q5_0, .native, "40b4adac9f3e38bb47675c5e21d434ae38217b066618585210d19bdf09e51310"),
      (.q5_1, .native, "0943793d745779f2f072f18cc0f438ab132bae8cfd9ffe54e04f3a5bf04e873e"),
      (.q3_K, .native, "f59bf0fc041bd2e2d694ebc43f407e3a1438479bce527e03a120e3af5f073dd8"),
      (.q4_K, .native, "03832e62df01b1d18cbf88f0d30b7c98e0b435041792136005b0573a1cbdedb2"),
      (.q5_K, .native, "26b5243a14c173944ee7a602e4ea3015dbcade1a034907d519b1378e585ace45"),
      (.q6_K, .native, "fa7e8e009feb24c476eadab574ceb15510b53e59a104756948388ed95369ffe2"),
    ]

    @Test("are those of this version, and give the same products", arguments: goldens)
    func bytes(dtype: DType, format: WeightFormat, digest: String) throws {
      #expect(FrozenWeight.packingVersion == 4)
      let source = try stored(dtype)
      let pool = WorkerPool(threads: 2)
      defer { pool.shutDown() }
      let packed = FrozenWeight(source, format: format, arena: WeightArena(), pool: pool)
      let bytes = try #require(packed.packedBytes)
      #expect(
        bytes.count == FrozenWeight.packedSize(source, format: format) && bytes.count % 64 == 0)
      let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
      #expect(Digest.of(copy).hex == digest)

      let again = FrozenWeight(source, format: format, packed: Bytes(copy))
      #expect(again.byteCount == packed.byteCount)
      #expect(products(again, pool) == products(packed, pool))
    }

    @Test("are none where a weight is held as floats")
    func floats() throws {
      let source = try stored(.f32)
      #expect(FrozenWeight.packedSize(source, format: .f32) == 0)
      let weight = FrozenWeight(source, format: .f32, arena: WeightArena(), pool: nil)
      #expect(weight.packedBytes == nil)
    }

    /// Bits of products both ways and of rows looked up.
    private func products(_ weight: FrozenWeight, _ pool: WorkerPool) -> [[UInt32]] {
      var g = SplitMix64(seed: 6)
      let recycler = BufferRecycler()
      func random(_ columns: Int) -> Matrix {
        Matrix(rows: 7, columns: columns, (0..<7 * columns).map { _ in g.normal() })
      }
      let (x, dy) = (random(weight.inputSize), random(45))
      let (y, dx) = (Matrix(rows: 7, columns: 45), Matrix(rows: 7, columns: weight.inputSize))
      let rows = Matrix(rows: 3, columns: weight.inputSize)
      weight.apply(
        Operand(x, recycler: recycler, pool: pool), rows: 0..<7, into: y, pool: pool)
      weight.applyTransposed(
        Operand(dy, recycler: recycler, pool: pool), rows: 0..<7, into: dx, recycler: recycler,
        pool: pool)
      weight.gather([44, 0, 31], into: rows)
      return [y, dx, rows].map { $0.values.map(\.bitPattern) }
    }
  }
}

extension DType {
  /// Where a block's scales and minima stand, those that are floats of 16 bits.
  var halves: [Int] {
    switch self {
    case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
    case .q2_K: [80, 82]
    case .q3_K: [108]
    case .q6_K: [208]
    default: [0]
    }
  }
}
