import CKernels
import COpenBLAS

/// How a product reads one of its factors.
public enum Orientation: Sendable {
  /// As it is stored.
  case plain
  /// With rows and columns exchanged.
  case transposed
}

extension Matrix {
  /// Writes `scale * a b` into this matrix, or adds it where `accumulating`, with either factor transposed first.
  ///
  /// `self` is `(m, n)`, the factors as read `(m, k)` and `(k, n)`. Work is split over rows at multiples of 12 (over
  /// columns, at multiples of 32, where rows are few): OpenBLAS computes each element alike however it is
  /// split there, so the result does not depend on the number of threads.
  public func setProduct(
    _ a: Matrix, _ aOrientation: Orientation = .plain, _ b: Matrix,
    _ bOrientation: Orientation = .plain, scale: Float = 1, accumulating: Bool = false,
    pool: WorkerPool
  ) {
    let (m, k) = aOrientation == .plain ? (a.rows, a.columns) : (a.columns, a.rows)
    let (kb, n) = bOrientation == .plain ? (b.rows, b.columns) : (b.columns, b.rows)
    precondition(k == kb && m == rows && n == columns, "setProduct: shapes differ")
    guard m > 0, n > 0 else { return }
    guard k > 0 else {
      if !accumulating { fill(0) }
      return
    }
    let ta = aOrientation == .plain ? CblasNoTrans : CblasTrans
    let tb = bOrientation == .plain ? CblasNoTrans : CblasTrans
    let beta: Float = accumulating ? 1 : 0
    let splitRows = m >= 48 || m >= n
    let size = splitRows ? Matrix.rowBlock(m, n * k) : Matrix.columnBlock(n, m * k)
    pool.forBlocks(of: size, in: splitRows ? m : n) { range in
      let (i, j) = splitRows ? (range.lowerBound, 0) : (0, range.lowerBound)
      let (rows, columns) = splitRows ? (range.count, n) : (m, range.count)
      unsafe cblas_sgemm(
        CblasRowMajor, ta, tb, Int32(rows), Int32(columns), Int32(k), scale,
        a.pointer + (aOrientation == .plain ? i * a.columns : i), Int32(max(1, a.columns)),
        b.pointer + (bOrientation == .plain ? j : j * b.columns), Int32(max(1, b.columns)), beta,
        pointer + i * n + j, Int32(n))
    }
  }

  /// Rows of a block: enough work to pay for handing it out, and few enough to share.
  private static func rowBlock(_ rows: Int, _ workPerRow: Int) -> Int {
    let least = 1 + 400_000 / max(1, workPerRow)  // about 10 microseconds of products
    let wanted = max(least, min(rows, 252))
    return (wanted + 11) / 12 * 12
  }

  private static func columnBlock(_ columns: Int, _ workPerColumn: Int) -> Int {
    let least = 1 + 400_000 / max(1, workPerColumn)
    let wanted = max(least, (columns + 3) / 4)
    return (wanted + 31) / 32 * 32
  }
}
