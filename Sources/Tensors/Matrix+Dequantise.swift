import CKernels

extension DType {
  /// Bytes that `count` values take, or nil where `count` is no whole number of blocks or the size overflows.
  public func byteCount(of count: Int) -> Int? {
    guard count >= 0, count % valuesPerBlock == 0 else { return nil }
    let (bytes, overflow) = (count / valuesPerBlock).multipliedReportingOverflow(by: bytesPerBlock)
    return overflow ? nil : bytes
  }
}

extension Matrix {
  /// The float32 values of `bytes`, `(rows, columns)` stored row-major as `dtype`.
  ///
  /// Values stored as F32 are shared with `bytes` where alignment allows it; never write to them.
  /// - Parameters:
  ///   - columns: A whole number of `dtype`'s blocks.
  ///   - pool: Shares out the rows over its threads; nil does all on this one.
  public init(
    dequantising bytes: Bytes, dtype: DType, rows: Int, columns: Int,
    pool: WorkerPool? = nil
  ) {
    if dtype == .f32 {
      self.init(sharing: bytes, rows: rows, columns: columns)
      return
    }
    self.init(rows: rows, columns: columns)
    let whole = self
    let block = max(1, 65_536 / max(1, columns))
    if let pool {
      pool.forBlocks(of: block, in: rows) {
        whole.dequantise($0, from: bytes, dtype: dtype)
      }
    } else {
      dequantise(0..<rows, from: bytes, dtype: dtype)
    }
  }

  /// Sets `range` of the rows from `bytes`, which hold all rows as `dtype`.
  ///
  /// Ranges that do not overlap may be set from several threads at once.
  public func dequantise(_ range: Range<Int>, from bytes: Bytes, dtype: DType) {
    guard let rowSize = dtype.byteCount(of: columns) else {
      preconditionFailure(
        "Matrix: rows of \(columns) are no whole number of \(dtype.rawValue) blocks")
    }
    precondition(
      bytes.count == rows * rowSize && range.lowerBound >= 0 && range.upperBound <= rows,
      "Matrix: \(bytes.count) bytes of \(dtype.rawValue) for \(rows) x \(columns), rows \(range)")
    let blocks = columns / dtype.valuesPerBlock
    unsafe expand(
      dtype, range.count * blocks, bytes.pointer + range.lowerBound * rowSize,
      pointer + range.lowerBound * columns)
  }
}

private func expand(
  _ dtype: DType, _ blocks: Int, _ source: UnsafeRawPointer, _ to: UnsafeMutablePointer<Float>
) {
  let from = unsafe source.assumingMemoryBound(to: UInt8.self)
  switch dtype {
  case .f32: unsafe UnsafeMutableRawPointer(to).copyMemory(from: source, byteCount: blocks * 4)
  case .f16: unsafe ck_dequantise_f16(blocks, from, to)
  case .bf16: unsafe ck_dequantise_bf16(blocks, from, to)
  case .q8_0: unsafe ck_dequantise_q8_0(blocks, from, to)
  case .q4_0: unsafe ck_dequantise_q4_0(blocks, from, to)
  case .q4_1: unsafe ck_dequantise_q4_1(blocks, from, to)
  case .q5_0: unsafe ck_dequantise_q5_0(blocks, from, to)
  case .q5_1: unsafe ck_dequantise_q5_1(blocks, from, to)
  case .q2_K: unsafe ck_dequantise_q2_k(blocks, from, to)
  case .q3_K: unsafe ck_dequantise_q3_k(blocks, from, to)
  case .q4_K: unsafe ck_dequantise_q4_k(blocks, from, to)
  case .q5_K: unsafe ck_dequantise_q5_k(blocks, from, to)
  case .q6_K: unsafe ck_dequantise_q6_k(blocks, from, to)
  }
}
