import CKernels

extension Matrix {
  /// Writes `sum over t of p[t]^T q[t]`, or adds it where `accumulating`: the gradient of a thin factor.
  ///
  /// `self` is `(m, n)`, `p` `(T, m)` and `q` `(T, n)`; the order of additions is that of the rows.
  /// - Parameter isPrecise: Whether `p` and `q` may not be rounded to bf16, which some processors multiply faster.
  public func setOuterProduct(
    _ p: Matrix, _ q: Matrix, precisely isPrecise: Bool, accumulating: Bool, pool: WorkerPool
  ) {
    precondition(
      p.rows == q.rows && p.columns == rows && q.columns == columns,
      "setOuterProduct: shapes differ")
    // Blocks are whole tiles of 24 by 16.
    let (down, across) = rows >= columns ? (24 * 4, columns) : (rows, 16 * 8)
    let blocks = (columns + across - 1) / max(1, across)
    pool.forEach((rows + down - 1) / max(1, down) * blocks) { index in
      let (m, n) = (index / blocks * down, index % blocks * across)
      let multiply = unsafe isPrecise ? ck_outer : ck_outer_narrow
      unsafe multiply(
        p.rows, min(down, rows - m), min(across, columns - n), p.pointer + m, p.columns,
        q.pointer + n, q.columns, pointer + m * columns + n, columns, accumulating ? 1 : 0)
    }
  }
}
