import CKernels

/// How a file's blocks go into panels of `BlockPanels` with their own quants.
@safe struct BlockPacking {
  // Safe: the pointers are those of `pack`, which knows how much is behind them.
  private typealias Regroup = (Int, UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Void
  private typealias Pack =
    (Int, Int, UnsafePointer<UInt8>, UnsafePointer<Int>?, UnsafeMutablePointer<UInt8>) -> Void

  /// What they become.
  let format: ck_block_format
  private let packing: Pack
  /// Super-blocks become blocks of 32 values first, of so many bytes each.
  private let regrouping: (blockBytes: Int, Regroup)?

  /// None for floats, and for blocks whose quants no panel holds: they are quantised anew in 8 bits.
  init?(_ dtype: DType) {
    switch dtype {
    case .q8_0: unsafe self.init(CK_BLOCKS_8, ck_blocks_pack_q8_0)
    case .q4_0: unsafe self.init(CK_BLOCKS_4, ck_blocks_pack_q4_0)
    case .q4_1: unsafe self.init(CK_BLOCKS_4_1, ck_blocks_pack_q4_1)
    case .q5_0: unsafe self.init(CK_BLOCKS_5, ck_blocks_pack_q5_0)
    case .q5_1: unsafe self.init(CK_BLOCKS_5_1, ck_blocks_pack_q5_1)
    case .q4_K: unsafe self.init(CK_BLOCKS_4_1, ck_blocks_pack_q4_1, after: (20, ck_q4_1_of_q4_k))
    case .q5_K: unsafe self.init(CK_BLOCKS_5_1, ck_blocks_pack_q5_1, after: (24, ck_q5_1_of_q5_k))
    case .q6_K: unsafe self.init(CK_BLOCKS_6, ck_blocks_pack_6, after: (36, ck_6_of_q6_k))
    case .q3_K: unsafe self.init(CK_BLOCKS_6, ck_blocks_pack_6, after: (36, ck_6_of_q3_k))
    case .f32, .f16, .bf16, .q2_K: return nil
    }
  }

  private init(
    _ format: ck_block_format, _ pack: @escaping Pack, after regrouping: (Int, Regroup)? = nil
  ) {
    self.format = format
    unsafe packing = unsafe pack
    unsafe self.regrouping = unsafe regrouping
  }

  /// Packs `rows` of a stored matrix into one panel, which has room for them.
  func pack(_ source: StoredRows, _ rows: [Int], into panel: UnsafeMutablePointer<UInt8>) {
    let blocks = source.columns / Int(CK_BLOCK_SIDE)
    let from = unsafe source.bytes.pointer.assumingMemoryBound(to: UInt8.self)
    guard let (blockBytes, regroup) = unsafe regrouping else {
      return unsafe packing(rows.count, blocks, from, rows, panel)
    }
    let stored = source.columns / source.dtype.valuesPerBlock
    let size = blocks * blockBytes
    let regrouped = unsafe [UInt8](unsafeUninitializedCapacity: rows.count * size) { to, count in
      guard let to = to.baseAddress else { return }
      for (place, row) in rows.enumerated() {
        unsafe regroup(stored, from + row * stored * source.dtype.bytesPerBlock, to + place * size)
      }
      count = rows.count * size
    }
    unsafe packing(rows.count, blocks, regrouped, nil, panel)
  }
}
