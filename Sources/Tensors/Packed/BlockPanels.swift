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

  /// Packs a stored matrix: GGUF's blocks with their own quants where there are kernels for them, anything else
  /// quantised anew in 8 bits.
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
    BlockPacking(source.dtype)?.format ?? CK_BLOCKS_8
  }

  private func pack(_ source: StoredRows, _ panel: Int) {
    let range = range(panel)
    if let packing = BlockPacking(source.dtype) {
      return unsafe packing.pack(
        source, range.map { source.source(of: $0) }, into: pointer(panel))
    }
    let values = source.matrix(range)
    unsafe ck_blocks_pack_f32(range.count, blocks, values.pointer, nil, pointer(panel))
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

  /// What products need to know of a weight, as plain values: whoever has one holds the weight.
  @safe struct Weight: @unchecked Sendable {
    // Safe: as said.
    let isPrecise: Bool
    let outputs: Int
    fileprivate let format: ck_block_format
    fileprivate let blocks, panels, panelBytes: Int
    fileprivate let packed: UnsafeMutablePointer<UInt8>

    init(_ weight: BlockPanels) {
      (isPrecise, outputs, format) = (weight.isPrecise, weight.outputs, weight.format)
      (blocks, panels, panelBytes) = (weight.blocks, weight.panels, weight.panelBytes)
      unsafe packed = weight.pointer(0)
    }
  }

  /// A weight's product, how it is shared out, and which parts of the job are its.
  @safe private struct Product {
    // Safe: whoever makes one holds what it reads and writes until it has run.
    let weight: Weight
    let parts: ProductParts
    let range: Range<Int>
    let y: UnsafeMutablePointer<Float>

    init(
      _ weight: Weight, rows: Int, from first: Int, into y: UnsafeMutablePointer<Float>
    ) {
      let work = side * side * weight.blocks / (weight.isPrecise ? 1 : 2)
      self.weight = weight
      parts = ProductParts(rows: rows, panels: weight.panels, panelWork: work)
      range = first..<first + parts.count
      unsafe self.y = y
    }
  }

  /// A term, and the number of the product that it is added to.
  typealias Addition = (product: Int, term: NarrowPanels.Term)

  /// `y = initial + x W^T` for each of `weights`, and what is added to them, as one job for the threads, since each job has them
  /// wait for each other. A row's bits are the same whichever rows and weights share the call.
  /// - Parameters:
  ///   - initial: `(T, out)`, of each product; may be `y`; nil for zero.
  ///   - y: Each weight's `(T, out)`, one below the other.
  ///   - terms: One adapter's side by side, so that a thread computes with what it has fetched.
  static func apply(
    _ x: BlockRows, _ weights: [Weight], onto initial: Matrix?, into y: Matrix,
    plus terms: [Addition], pool: WorkerPool
  ) {
    precondition(
      initial.map { start in weights.allSatisfy { x.rows * $0.outputs == start.count } } ?? true,
      "BlockPanels: shapes differ")
    // Many adapters of a few rows each: one long stream of memory a term rather than a short one a term and part.
    let isApart = x.rows <= 256 && areApart(terms, of: weights.count)
    // Their factors come from memory while the weights' products compute.
    let ranges = unsafe isApart ? terms.map { unsafe $0.term.range } : []
    let lines = unsafe ranges.reduce(0) { unsafe $0 + ($1.bytes + 63) / 64 }
    let left = unsafe x.kernelRows
    let start = unsafe initial?.pointer
    unsafe withProducts(weights, rows: x.rows, into: y) { products in
      let count = unsafe products.last?.range.upperBound ?? 0
      unsafe terms.withUnsafeBufferPointer { terms in
        unsafe ranges.withUnsafeBufferPointer { ranges in
          pool.forEach(count) { index in
            var place = 0
            while unsafe index >= products[place].range.upperBound { place += 1 }
            let product = unsafe products[place]
            let (weight, stride) = (product.weight, product.weight.outputs)
            let (rows, panels) = product.parts[index - product.range.lowerBound]
            let (row, column) = (rows.lowerBound, panels.lowerBound * side)
            let columns = min(weight.outputs, panels.upperBound * side) - column
            let at = row * stride + column
            let first = lines == 0 ? 0 : index * lines / count
            var ahead = unsafe ck_ahead(
              ranges: ranges.baseAddress, count: ranges.count, first: first,
              lines: lines == 0 ? 0 : (index + 1) * lines / count - first)
            unsafe ck_blocks_product(
              weight.format, rows.count, columns, weight.blocks, ck_block_rows_from(left, row, 0),
              weight.packed + panels.lowerBound * weight.panelBytes,
              start.map { unsafe UnsafePointer($0 + at) }, stride, product.y + at, stride, &ahead)
            guard !isApart else { return }
            for unsafe(number, term) in unsafe terms where number == place {
              unsafe term.add(rows, column..<column + columns, to: product.y, stride)
            }
          }
        }
        guard isApart else { return }
        pool.forEach(terms.count) { index in
          let (number, term) = unsafe terms[index]
          let product = unsafe products[number]
          unsafe term.add(
            0..<x.rows, 0..<product.weight.outputs, to: product.y, product.weight.outputs)
        }
      }
    }
    withExtendedLifetime((x, initial, y)) {}
  }

  /// The weights' products, which take no memory of their own.
  private static func withProducts(
    _ weights: [Weight], rows: Int, into y: Matrix,
    _ body: (UnsafeBufferPointer<Product>) -> Void
  ) {
    unsafe withUnsafeTemporaryAllocation(of: Product.self, capacity: weights.count) { products in
      var (first, to) = unsafe (0, y.pointer)
      for (place, weight) in weights.enumerated() {
        let product = unsafe Product(weight, rows: rows, from: first, into: to)
        unsafe products.initializeElement(at: place, to: product)
        first = product.range.upperBound
        unsafe to += rows * weight.outputs
      }
      unsafe body(UnsafeBufferPointer(products))
    }
  }

  /// Whether some product has several terms, and no row two of one product's.
  private static func areApart(_ terms: [Addition], of products: Int) -> Bool {
    guard terms.count >= 4 else { return false }
    var (counts, ends) = (
      [Int](repeating: 0, count: products), [Int](repeating: 0, count: products)
    )
    for (product, term) in terms {
      guard term.rows.lowerBound >= ends[product] else { return false }
      ends[product] = term.rows.upperBound
      counts[product] += 1
    }
    return counts.contains { $0 >= 4 }
  }

  /// Whether products with the transpose have 8 bits on both sides, rather than bf16, which matrix registers multiply faster.
  var transposesInBlocks: Bool {
    !isPrecise && outputs % Self.side == 0 && !ProductParts.hasMatrixRegisters
  }

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
      NarrowPanels.add(terms[...], 0..<dy.rows, columns, to: dx)
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
