import CKernels

extension Matrix {
  /// Writes `sum over t of p[t]^T q[t]`, or adds it where `accumulating`: the gradient of a thin factor.
  ///
  /// `self` is `(m, n)`, `p` `(T, m)` and `q` `(T, n)`; the order of additions is that of the rows.
  /// - Parameter isPrecise: Whether `p` and `q` are taken as they are, not as their bf16 copies.
  public func setOuterProduct(
    _ p: OperandRows, _ q: OperandRows, precisely isPrecise: Bool, accumulating: Bool,
    pool: WorkerPool
  ) {
    precondition(
      p.rows.count == q.rows.count && p.operand.columns == rows
        && q.operand.columns == columns,
      "setOuterProduct: shapes differ")
    let accumulate: Int32 = accumulating ? 1 : 0
    guard !isPrecise else {
      let (own, others) = (p.values, q.values)
      return unsafe forBlocks(pool) { m, n, down, across, target in
        unsafe ck_outer(
          own.rows, down, across, own.pointer + m, own.columns, others.pointer + n, others.columns,
          target, columns, accumulate)
      }
    }
    let (left, right) = (p.narrowRows, q.narrowRows)
    unsafe forBlocks(pool) { m, n, down, across, target in
      unsafe ck_outer_narrow(
        left.rows, down, across, left.pointer(row: 0) + m, left.stride, right.pointer(row: 0) + n,
        right.stride, target, columns, accumulate)
    }
  }

  /// Shares out blocks of sums, whole tiles of 24 by 16: each one's first row and column, its sides and its place.
  private func forBlocks(
    _ pool: WorkerPool, _ body: (Int, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (down, across) = rows >= columns ? (24 * 4, columns) : (rows, 16 * 8)
    let blocks = (columns + across - 1) / max(1, across)
    pool.forEach((rows + down - 1) / max(1, down) * blocks) { index in
      let (m, n) = (index / blocks * down, index % blocks * across)
      unsafe body(
        m, n, min(down, rows - m), min(across, columns - n), pointer + m * columns + n)
    }
  }
}
