import CKernels

/// Rows of activations in 8 or 16 bits with a scale for every 32 values: the left factor of products with `BlockPanels`.
///
/// In 16 bits a row stands as two of 8 bits, high bytes and low, whose products are joined block by block.
@safe struct BlockRows {
  /// How many rows.
  let rows: Int
  /// Blocks of 32 values in a row.
  let blocks: Int
  /// Rows of 8 bits that a row takes: 1 or 2.
  let parts: Int
  private let owner: MemoryBlock
  /// The view's first row in the block, and the rows of the whole.
  private let first: Int
  private let total: Int

  /// Rows of whole blocks whose values are not set yet.
  init(rows: Int, columns: Int, precisely: Bool, recycler: BufferRecycler) {
    precondition(columns % 32 == 0, "BlockRows: rows of \(columns)")
    self.rows = rows
    parts = precisely ? 2 : 1
    total = rows
    blocks = columns / 32
    first = 0
    // Quants, then the facts.
    owner = MemoryBlock(
      byteCount: total * blocks * (32 * parts + MemoryLayout<ck_block_facts>.stride),
      recycler: recycler)
  }

  private init(_ whole: BlockRows, _ range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= whole.rows, "BlockRows: out of bounds")
    rows = range.count
    blocks = whole.blocks
    parts = whole.parts
    owner = whole.owner
    first = whole.first + range.lowerBound
    total = whole.total
  }

  /// Sets some rows to `values`, `(range.count, blocks * 32)`, each rounded to the nearest.
  func set(_ range: Range<Int>, to values: UnsafePointer<Float>) {
    var rows = unsafe ck_block_rows_from(kernelRows, range.lowerBound, 0)
    unsafe ck_blocks_quantise(range.count, values, blocks * 32, &rows)
  }

  /// The view of `range` of the rows.
  func rows(_ range: Range<Int>) -> BlockRows { BlockRows(self, range) }

  /// The rows as the kernels take them.
  var kernelRows: ck_block_rows {
    let facts = unsafe owner.base + total * blocks * 32 * parts
    let whole = unsafe ck_block_rows(
      parts: parts, stride: blocks, quants: owner.base.assumingMemoryBound(to: Int8.self),
      facts: facts.assumingMemoryBound(to: ck_block_facts.self))
    return unsafe ck_block_rows_from(whole, first, 0)
  }
}
