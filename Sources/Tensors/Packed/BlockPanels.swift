import CKernels

/// A frozen weight in blocks of 32 values with a scale each, in 4 or 8 bits, laid out once for the kernels (`ck_blocks.h`).
@safe struct BlockPanels: @unchecked Sendable {
  // Safe: the storage is written only while it is made.
  /// Values in a row that comes out.
  let outputs: Int
  /// Values in a row that goes in: whole blocks.
  let inputs: Int
  /// Whether activations keep 16 bits rather than 8.
  let isPrecise: Bool
  private let format: ck_block_format
  private let storage: PackedStorage

  private static let side = Int(CK_BLOCK_SIDE)

  /// Whether a stored matrix can be held so.
  static func fits(_ source: StoredRows) -> Bool { source.columns % side == 0 }

  /// Packs a stored matrix: GGUF's blocks as they are where there are kernels for them, anything else in 8 bits.
  init(_ source: StoredRows, isPrecise: Bool, arena: WeightArena, pool: WorkerPool?) {
    self.init(source, isPrecise: isPrecise, storage: arena.take(Self.byteCount(source)))
    let whole = self
    let pack = { (panel: Int) in whole.pack(source, panel) }
    if let pool { pool.forEach(panels, pack) } else { (0..<panels).forEach(pack) }
  }

  /// The weight with the shape of `source` that was packed before.
  init(_ source: StoredRows, isPrecise: Bool, packed: Bytes) {
    self.init(source, isPrecise: isPrecise, storage: PackedStorage(packed))
    precondition(packed.count == bytes.count, "BlockPanels: \(packed.count) packed bytes")
  }

  private init(_ source: StoredRows, isPrecise: Bool, storage: PackedStorage) {
    self.isPrecise = isPrecise
    outputs = source.rows
    inputs = source.columns
    format = Self.format(source)
    self.storage = storage
  }

  /// Bytes that a stored matrix takes.
  static func byteCount(_ source: StoredRows) -> Int {
    (source.rows + side - 1) / side * (source.columns / side) * ck_blocks_bytes(format(source))
  }

  private static func format(_ source: StoredRows) -> ck_block_format {
    own(source.dtype) ?? CK_BLOCKS_8
  }

  /// How the blocks of a file are held as they are.
  private static func own(_ dtype: DType) -> ck_block_format? {
    switch dtype {
    case .q8_0: CK_BLOCKS_8
    case .q4_0: CK_BLOCKS_4
    case .q4_1: CK_BLOCKS_4_1
    default: nil
    }
  }

  private func pack(_ source: StoredRows, _ panel: Int) {
    let range = range(panel)
    let rows = range.map { source.source(of: $0) }
    let to = unsafe pointer(panel)
    let from = unsafe source.bytes.pointer.assumingMemoryBound(to: UInt8.self)
    switch source.dtype {
    case .q8_0: unsafe ck_blocks_pack_q8_0(range.count, blocks, from, rows, to)
    case .q4_0: unsafe ck_blocks_pack_q4_0(range.count, blocks, from, rows, to)
    case .q4_1: unsafe ck_blocks_pack_q4_1(range.count, blocks, from, rows, to)
    default:
      let values = source.matrix(range)
      unsafe ck_blocks_pack_f32(range.count, blocks, values.pointer, nil, to)
    }
  }

  /// Everything held.
  var bytes: Bytes { storage.bytes(panels * panelBytes) }

  private var blocks: Int { inputs / Self.side }
  private var panels: Int { (outputs + Self.side - 1) / Self.side }
  private var panelBytes: Int { blocks * ck_blocks_bytes(format) }

  private func pointer(_ panel: Int) -> UnsafeMutablePointer<UInt8> {
    unsafe storage.base.assumingMemoryBound(to: UInt8.self) + panel * panelBytes
  }

  private func range(_ panel: Int) -> Range<Int> {
    panel * Self.side..<min(outputs, (panel + 1) * Self.side)
  }

  /// One output's values, as they are held.
  func copyOutput(_ output: Int, into row: Matrix) {
    precondition(
      output >= 0 && output < outputs && row.count == inputs, "BlockPanels: out of bounds")
    unsafe ck_blocks_widen_row(
      format, blocks, pointer(output / Self.side), output % Self.side, row.pointer)
  }

  /// A product of rows that several may share: `y = initial + x W^T + terms`.
  struct Product {
    let weight: BlockPanels
    let terms: [NarrowPanels.Term]
    /// May be `y`; nil for zero.
    let initial: Matrix?
    let y: Matrix
  }

  /// Products of `x` with several weights as one job for the threads, since each job has them wait for each other. A row's bits
  /// are the same whichever rows and weights share the call.
  static func apply(_ x: BlockRows, _ products: [Product], pool: WorkerPool) {
    // Many adapters of a few rows each: one long stream of memory a term rather than a short one a term and part.
    let isApart =
      x.rows <= 256 && products.contains { $0.terms.count >= 4 }
      && products.allSatisfy { NarrowPanels.areDisjoint($0.terms) }
    // One adapter's side by side, so that a thread computes with what it has fetched.
    let apart = isApart ? byRows(products) : []
    // Their factors come from memory while the weights' products compute.
    let ranges = unsafe apart.map { unsafe products[$0.product].terms[$0.term].range }
    let lines = unsafe ranges.reduce(0) { unsafe $0 + ($1.bytes + 63) / 64 }
    // Nothing but plain values for the threads: counting references to what they share would cost more than small parts.
    var count = 0
    let shares = unsafe products.map { (product: Product) -> PartsOfProduct in
      let share = unsafe PartsOfProduct(product, x, from: count)
      unsafe count = share.end
      return unsafe share
    }
    let total = count
    let left = unsafe x.kernelRows
    unsafe shares.withUnsafeBufferPointer { shares in
      unsafe ranges.withUnsafeBufferPointer { ranges in
        pool.forEach(total) { index in
          var place = 0
          while unsafe index >= shares[place].end { place += 1 }
          let share = unsafe shares[place]
          let (rows, panels) = unsafe share.parts[index - share.first]
          let (row, column) = (rows.lowerBound, panels.lowerBound * side)
          let columns = unsafe min(share.outputs, panels.upperBound * side) - column
          let at = unsafe row * share.width + column
          let first = lines == 0 ? 0 : index * lines / total
          var ahead = unsafe ck_ahead(
            ranges: ranges.baseAddress, count: ranges.count, first: first,
            lines: lines == 0 ? 0 : (index + 1) * lines / total - first)
          unsafe ck_blocks_product(
            share.format, rows.count, columns, share.blocks, ck_block_rows_from(left, row, 0),
            share.packed + panels.lowerBound * share.panelBytes,
            share.initial.map { unsafe UnsafePointer($0 + at) }, share.width, share.y + at,
            share.width, &ahead)
          if unsafe !isApart && share.hasTerms {
            NarrowPanels.add(
              products[place].terms, rows, column..<column + columns, to: products[place].y)
          }
        }
      }
    }
    withExtendedLifetime((x, products)) {}
    pool.forEach(apart.count) { index in
      let product = products[apart[index].product]
      NarrowPanels.add(
        [product.terms[apart[index].term]], 0..<x.rows, 0..<product.weight.outputs, to: product.y)
    }
  }

  /// The terms of some products by the rows that they begin at.
  private static func byRows(_ products: [Product]) -> [(product: Int, term: Int)] {
    var all: [(product: Int, term: Int)] = []
    for product in products.indices {
      for term in products[product].terms.indices { all.append((product, term)) }
    }
    guard products.count > 1 else { return all }
    return all.sorted {
      products[$0.product].terms[$0.term].rows.lowerBound
        < products[$1.product].terms[$1.term].rows.lowerBound
    }
  }

  /// One product's parts of a job, as plain values.
  @unsafe private struct PartsOfProduct {
    let first, end: Int
    let parts: ProductParts
    let format: ck_block_format
    let blocks, outputs, panelBytes, width: Int
    let packed: UnsafeMutablePointer<UInt8>
    let initial: UnsafeMutablePointer<Float>?
    let y: UnsafeMutablePointer<Float>
    let hasTerms: Bool

    /// - Parameter first: Parts of the job before it.
    init(_ product: Product, _ x: BlockRows, from first: Int) {
      let weight = product.weight
      unsafe parts = ProductParts(
        rows: x.rows, panels: weight.panels, panelWork: side * weight.inputs / 2 * x.parts)
      unsafe (self.first, end) = unsafe (first, first + parts.count)
      unsafe (format, blocks, outputs) = (weight.format, weight.blocks, weight.outputs)
      unsafe (panelBytes, width) = (weight.panelBytes, product.y.columns)
      unsafe (packed, y) = unsafe (weight.pointer(0), product.y.pointer)
      unsafe initial = product.initial?.pointer
      unsafe hasTerms = !product.terms.isEmpty
    }
  }

  /// Whether products with the transpose have 8 bits on both sides, rather than bf16.
  var transposesInBlocks: Bool { !isPrecise && outputs % Self.side == 0 }

  /// `dx = dy W + terms`, or `dx += ...` where `accumulating`, in 8 bits: W's blocks are turned round on the way into the
  /// kernel, quantised anew along the outputs.
  func applyTransposed(
    _ dy: BlockRows, plus terms: [NarrowPanels.Term], accumulating: Bool, into dx: Matrix,
    recycler: BufferRecycler, pool: WorkerPool
  ) {
    precondition(transposesInBlocks && dy.parts == 1, "BlockPanels: the transpose wants bf16")
    let chunk = 64  // blocks turned round at once: 68 KiB of scratch
    let left = unsafe dy.kernelRows
    pool.forEach(blocks) { block in
      let scratch = MemoryBlock(
        byteCount: min(chunk, panels) * ck_blocks_bytes(CK_BLOCKS_8), recycler: recycler)
      let turned = unsafe scratch.base.assumingMemoryBound(to: UInt8.self)
      let columns = block * Self.side..<(block + 1) * Self.side
      for start in stride(from: 0, to: panels, by: chunk) {
        let count = min(chunk, panels - start)
        unsafe ck_blocks_turn(
          format, count, pointer(start) + block * ck_blocks_bytes(format), panelBytes, turned)
        let rowBlock = max(1, ProductParts.rowBlock(of: dy.rows))
        for row in stride(from: 0, to: dy.rows, by: rowBlock) {
          let to = unsafe dx.pointer + row * dx.columns + columns.lowerBound
          unsafe ck_blocks_product(
            CK_BLOCKS_8, min(rowBlock, dy.rows - row), Self.side, count,
            ck_block_rows_from(left, row, start), turned,
            accumulating || start > 0 ? UnsafePointer(to) : nil, dx.columns, to, dx.columns,
            nil)
        }
      }
      NarrowPanels.add(terms, 0..<dy.rows, columns, to: dx)
    }
    withExtendedLifetime(dy) {}
  }

  /// The same in bf16.
  func applyTransposed(
    _ dy: NarrowRows, plus terms: [NarrowPanels.Term], accumulating: Bool, into dx: Matrix,
    recycler: BufferRecycler, pool: WorkerPool
  ) {
    unsafe NarrowPanels.applyTransposed(
      dy, outputs: outputs, plus: terms, accumulating: accumulating, into: dx, recycler: recycler,
      pool: pool
    ) { panels, block, turned in
      unsafe ck_blocks_widen_bf16(
        format, panels.count, pointer(panels.lowerBound) + block * ck_blocks_bytes(format),
        panelBytes, turned)
    }
  }
}
