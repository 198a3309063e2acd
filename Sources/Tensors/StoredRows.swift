/// A stored matrix, `(rows, columns)`, as a file keeps it: row by row, maybe in another order than it is read in.
public struct StoredRows: Sendable {
  let bytes: Bytes
  /// How values are stored.
  public let dtype: DType
  /// How many rows.
  public let rows: Int
  /// How many columns: a whole number of `dtype`'s blocks.
  public let columns: Int
  private let order: (@Sendable (Int) -> Int)?

  /// The matrix in `bytes`.
  /// - Parameter order: The stored row that becomes row `r`; nil for `r` itself.
  public init(
    _ bytes: Bytes, dtype: DType, rows: Int, columns: Int, order: (@Sendable (Int) -> Int)? = nil
  ) {
    precondition(
      rows > 0 && dtype.byteCount(of: columns).map { $0 * rows } == bytes.count,
      "StoredRows: \(bytes.count) bytes of \(dtype.rawValue) for \(rows) x \(columns)")
    self.bytes = bytes
    self.dtype = dtype
    self.rows = rows
    self.columns = columns
    self.order = order
  }

  /// The values of `matrix`, shared.
  public init(_ matrix: Matrix) {
    self.init(matrix.bytes, dtype: .f32, rows: matrix.rows, columns: matrix.columns)
  }

  /// The stored row that becomes row `row`.
  func source(of row: Int) -> Int { order?(row) ?? row }

  /// The float32 values of `range` of the rows, shared with the file where it keeps them so: never write to them.
  /// - Parameter pool: Shares out the decoding over its threads.
  public func matrix(_ range: Range<Int>, pool: WorkerPool? = nil) -> Matrix {
    let rowSize = bytes.count / rows
    func part(_ rows: Range<Int>) -> Matrix {
      Matrix(
        dequantising: bytes[rows.lowerBound * rowSize..<rows.upperBound * rowSize], dtype: dtype,
        rows: rows.count, columns: columns, pool: pool)
    }
    guard let order else { return part(range) }
    let result = Matrix(rows: range.count, columns: columns)
    for (row, index) in range.enumerated() {
      let source = order(index)
      result.rows(row..<row + 1).copy(from: part(source..<source + 1))
    }
    return result
  }

  /// All of its float32 values.
  public func matrix(pool: WorkerPool? = nil) -> Matrix { matrix(0..<rows, pool: pool) }
}
