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

  /// The values of `source`, whose rows are whole blocks long, each rounded to the nearest.
  init(_ source: Matrix, precisely: Bool, recycler: BufferRecycler, pool: WorkerPool) {
    precondition(source.columns % 32 == 0, "BlockRows: rows of \(source.columns)")
    rows = source.rows
    parts = precisely ? 2 : 1
    total = source.rows
    blocks = source.columns / 32
    first = 0
    // Quants, then scales, then sums.
    owner = MemoryBlock(byteCount: total * blocks * (32 * parts + 4 + 4), recycler: recycler)
    let whole = self
    pool.forRows(of: source) { range in
      let row = range.lowerBound
      let from = unsafe source.pointer + row * source.columns
      if precisely {
        unsafe ck_blocks_quantise_twice(
          range.count, whole.blocks, from, source.columns, whole.quants(row), whole.scales(row),
          whole.sums(row))
      } else {
        unsafe ck_blocks_quantise(
          range.count, whole.blocks, from, source.columns, whole.quants(row), whole.scales(row),
          whole.sums(row))
      }
    }
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

  /// The view of `range` of the rows.
  func rows(_ range: Range<Int>) -> BlockRows { BlockRows(self, range) }

  func quants(_ row: Int) -> UnsafeMutablePointer<Int8> {
    unsafe owner.base.assumingMemoryBound(to: Int8.self) + (first + row) * parts * blocks * 32
  }

  func scales(_ row: Int) -> UnsafeMutablePointer<Float> {
    unsafe (owner.base + total * blocks * 32 * parts).assumingMemoryBound(to: Float.self)
      + (first + row) * blocks
  }

  func sums(_ row: Int) -> UnsafeMutablePointer<Int32> {
    unsafe (owner.base + total * blocks * (32 * parts + 4)).assumingMemoryBound(to: Int32.self)
      + (first + row) * blocks
  }
}
