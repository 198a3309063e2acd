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
  /// `self` is `(m, n)`, the factors as read `(m, k)` and `(k, n)`.
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
    let blocks = ProductBlocks(rows: m, columns: n, depth: k)
    pool.forEach(blocks.count) { index in
      let (rowRange, columnRange) = blocks[index]
      let (i, j) = (rowRange.lowerBound, columnRange.lowerBound)
      let (rows, columns) = (rowRange.count, columnRange.count)
      unsafe cblas_sgemm(
        CblasRowMajor, ta, tb, Int32(rows), Int32(columns), Int32(k), scale,
        a.pointer + (aOrientation == .plain ? i * a.columns : i), Int32(max(1, a.columns)),
        b.pointer + (bOrientation == .plain ? j : j * b.columns), Int32(max(1, b.columns)), beta,
        pointer + i * n + j, Int32(n))
    }
  }
}

/// How a product is shared out: a grid of blocks that depends on its shape only, so that the number of threads
/// changes no bit of the result.
///
/// A row block makes BLAS pack the other factor again, so there are few of them; column blocks cost little.
struct ProductBlocks {
  private let rows: Int
  private let columns: Int
  private let rowBlock: Int
  private let columnBlock: Int

  /// Multiplications that are worth handing to another thread: about 5 microseconds.
  private static let leastWork = 400_000

  init(rows: Int, columns: Int, depth: Int) {
    self.rows = rows
    self.columns = columns
    let pieces = max(1, rows * columns * depth / ProductBlocks.leastWork)
    let rowPieces = rows >= 96 || rows > columns ? min(pieces, 2 * ((rows + 1031) / 1032)) : 1
    let columnPieces = min(
      max(1, pieces / rowPieces), rowPieces == 1 ? 4 : 3, max(1, columns / 128))
    // BLAS's own tiles are 12 and 32 wide here: whole tiles leave it no ragged edges inside.
    rowBlock = ProductBlocks.roundUp((rows + rowPieces - 1) / rowPieces, to: 12)
    columnBlock = ProductBlocks.roundUp((columns + columnPieces - 1) / columnPieces, to: 32)
  }

  private static func roundUp(_ number: Int, to multiple: Int) -> Int {
    (number + multiple - 1) / multiple * multiple
  }

  private var rowBlocks: Int { (rows + rowBlock - 1) / rowBlock }
  private var columnBlocks: Int { (columns + columnBlock - 1) / columnBlock }

  /// Blocks in the grid.
  var count: Int { rowBlocks * columnBlocks }

  /// Rows and columns of block `index`.
  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let i = index / columnBlocks * rowBlock
    let j = index % columnBlocks * columnBlock
    return (i..<min(rows, i + rowBlock), j..<min(columns, j + columnBlock))
  }
}
