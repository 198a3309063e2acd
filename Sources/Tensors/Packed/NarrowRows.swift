import CKernels

/// Rows of activations in bf16, filled up with zeros to whole blocks: the left factor of products with `NarrowPanels`.
@safe struct NarrowRows {
  /// How many rows.
  let rows: Int
  /// Values in a row, without the filling.
  let columns: Int
  /// Values from one row to the next.
  let stride: Int
  private let owner: MemoryBlock
  /// The view's first value in the block.
  private let first: Int

  /// Rows whose values are not set yet.
  init(rows: Int, columns: Int, recycler: BufferRecycler) {
    self.rows = rows
    self.columns = columns
    stride = NarrowPanels.filled(columns)
    first = 0
    owner = MemoryBlock(byteCount: rows * stride * 2, recycler: recycler)
  }

  private init(_ whole: NarrowRows, _ range: Range<Int>, from column: Int) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= whole.rows && column >= 0
        && column < max(1, whole.stride), "NarrowRows: out of bounds")
    rows = range.count
    columns = max(0, whole.columns - column)
    stride = whole.stride
    owner = whole.owner
    first = whole.first + range.lowerBound * whole.stride + column
  }

  /// Sets some rows to `values`, `(range.count, columns)`, each rounded to the nearest.
  func set(_ range: Range<Int>, to values: UnsafePointer<Float>) {
    unsafe ck_bf16_rows(
      range.count, columns, values, columns, pointer(row: range.lowerBound), stride)
  }

  /// The view of `range` of the rows.
  func rows(_ range: Range<Int>) -> NarrowRows { NarrowRows(self, range, from: 0) }

  /// The view of the columns from `column` on.
  func columns(from column: Int) -> NarrowRows { NarrowRows(self, 0..<rows, from: column) }

  func pointer(row: Int) -> UnsafeMutablePointer<UInt16> {
    unsafe owner.base.assumingMemoryBound(to: UInt16.self) + first + row * stride
  }
}
