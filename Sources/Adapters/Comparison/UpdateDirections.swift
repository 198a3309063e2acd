import Tensors

/// The directions in which an update acts and how far: `s B A = left diag(magnitudes) right`.
///
/// Made from the factors alone, in `r^2 (in + out)` operations; the `(out, in)` matrix never exists.
struct UpdateDirections {
  /// What goes out, `(out, k)`, orthonormal columns.
  let left: Matrix
  /// The singular values of the update, largest first.
  let magnitudes: [Float]
  /// What comes in, `(k, in)`, orthonormal rows.
  let right: Matrix

  /// Directions weaker than this part of the strongest are float32's noise.
  private static let noise: Float = 1e-5

  init(_ delta: LowRank, pool: WorkerPool) throws(TensorError) {
    let b = try delta.b.singularValueDecomposition()
    let a = try delta.a.singularValueDecomposition()
    // s B A = b.left (s diag(b.values) b.right a.left diag(a.values)) a.right; the bracket is small.
    let core = Matrix(rows: b.values.count, columns: a.values.count)
    core.setProduct(b.right, .plain, a.left, .plain, scale: delta.scale, pool: pool)
    for row in 0..<core.rows {
      for column in 0..<core.columns {
        core[row, column] *= b.values[row] * a.values[column]
      }
    }
    let inner = try core.singularValueDecomposition()
    let floor = (inner.values.first ?? 0) * UpdateDirections.noise
    let count = inner.values.count { $0 > floor }
    magnitudes = Array(inner.values.prefix(count))
    left = Matrix(rows: delta.b.rows, columns: count)
    left.setProduct(b.left, .plain, inner.left.firstColumns(count), .plain, pool: pool)
    right = Matrix(rows: count, columns: delta.a.columns)
    right.setProduct(inner.right.rows(0..<count), .plain, a.right, .plain, pool: pool)
  }

  /// The Frobenius norm of the update.
  var norm: Double { magnitudes.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }

  /// How many directions carry the update: `norm^2 / largest^2`, from 1 to the rank (the stable rank).
  var stableRank: Double {
    guard let largest = magnitudes.first, largest > 0 else { return 0 }
    return norm * norm / (Double(largest) * Double(largest))
  }
}

extension Matrix {
  /// A copy of the first `count` columns.
  fileprivate func firstColumns(_ count: Int) -> Matrix {
    Matrix(
      rows: rows, columns: count,
      (0..<rows).flatMap { row in (0..<count).map { self[row, $0] } })
  }
}
