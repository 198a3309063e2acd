import CKernels

extension Matrix {
  /// The backward of `Operand(normOf:)`: this matrix receives, or where `accumulating` gains, the gradient to `x`.
  public func setRMSNormGradient(
    x: Matrix, weight: Matrix, inverseRMS: Matrix, dy: Matrix, accumulating: Bool, pool: WorkerPool
  ) {
    precondition(x.count == count && dy.count == count, "setRMSNormGradient: shapes differ")
    pool.forRows(of: self) { range in
      let first = range.lowerBound * columns
      unsafe ck_rms_norm_backward(
        range.count, columns, x.pointer + first, weight.pointer,
        inverseRMS.pointer + range.lowerBound, dy.pointer + first, pointer + first,
        accumulating ? 1 : 0)
    }
  }
}

extension WorkerPool {
  /// Calls `body` for blocks of `matrix`'s rows, each of about 4,600 values: some microseconds of a norm or of
  /// quantising, more than another thread takes to hear of them. A block's bounds depend on the shape only.
  func forRows(of matrix: Matrix, _ body: (Range<Int>) -> Void) {
    forRows(of: matrix.rows, matrix.columns, body)
  }

  /// The same for `rows` of `columns` values.
  func forRows(of rows: Int, _ columns: Int, _ body: (Range<Int>) -> Void) {
    forBlocks(of: max(1, 4_608 / max(1, columns)), in: rows, body)
  }

  /// The same over a flat count of values.
  func forValues(_ count: Int, _ body: (Range<Int>) -> Void) {
    forBlocks(of: 16_384, in: count, body)
  }
}
