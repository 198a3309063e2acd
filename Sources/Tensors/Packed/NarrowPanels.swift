import CKernels

/// The right factor of products in bf16, laid out once for the kernels: panels of 32 outputs, or one of 16 where there
/// are no more (`ck_bf16.h`).
@safe struct NarrowPanels: @unchecked Sendable {
  // Safe: the block is written only while it is made.
  /// Values in a row that comes out.
  let outputs: Int
  /// Values in a row that goes in.
  let inputs: Int
  private let storage: PackedStorage
  /// Outputs in a panel.
  private let width: Int

  private static let panel = Int(CK_BF16_PANEL)

  /// Outputs in a panel of a weight with `outputs` in all.
  private static func width(_ outputs: Int) -> Int { outputs > 16 ? panel : 16 }

  /// `count` filled up as the kernels ask for it.
  static func filled(_ count: Int) -> Int { ck_bf16_filled(count) }

  /// Packs a stored matrix, a panel of floats at a time.
  init(_ source: StoredRows, arena: WeightArena, pool: WorkerPool?) {
    self.init(outputs: source.rows, inputs: source.columns) { arena.take($0) }
    pack(pool) { source.matrix($0) }
  }

  /// The weight with the shape of `source` that was packed before.
  init(_ source: StoredRows, packed: Bytes) {
    self.init(outputs: source.rows, inputs: source.columns) { _ in PackedStorage(packed) }
    precondition(packed.count == bytes.count, "NarrowPanels: \(packed.count) packed bytes")
  }

  /// Packs a thin factor, `(out, in)`, as a product with its transpose reads it, into `arena`.
  init(_ values: Matrix, arena: WeightArena) {
    self.init(outputs: values.rows, inputs: values.columns) { arena.take($0) }
    pack(nil) { values.rows($0) }
  }

  /// Packs a thin factor: `(out, in)` where `transposed`, as a product with its transpose reads it, else `(in, out)`.
  init(_ values: Matrix, _ orientation: Orientation) {
    func block(_ byteCount: Int) -> PackedStorage {
      PackedStorage(MemoryBlock(byteCount: byteCount))
    }
    switch orientation {
    case .transposed:
      self.init(outputs: values.rows, inputs: values.columns, storage: block)
      pack(nil) { values.rows($0) }
    case .plain:
      self.init(outputs: values.columns, inputs: values.rows, storage: block)
      for panel in 0..<panels {
        let range = range(panel)
        unsafe ck_bf16_pack_transposed(
          width, values.rows, range.count, values.pointer + range.lowerBound, values.columns,
          pointer(panel))
      }
    }
  }

  private init(outputs: Int, inputs: Int, storage: (Int) -> PackedStorage) {
    self.outputs = outputs
    self.inputs = inputs
    width = NarrowPanels.width(outputs)
    self.storage = storage(NarrowPanels.byteCount(outputs, inputs))
  }

  private func pack(_ pool: WorkerPool?, rows: (Range<Int>) -> Matrix) {
    let pack = { (panel: Int) in
      let values = rows(range(panel))
      unsafe ck_bf16_pack(
        width, values.rows, inputs, values.pointer, inputs, pointer(panel))
    }
    if let pool { pool.forEach(panels, pack) } else { (0..<panels).forEach(pack) }
  }

  /// Bytes that a weight takes.
  static func byteCount(_ outputs: Int, _ inputs: Int) -> Int {
    let width = width(outputs)
    return (outputs + width - 1) / width * width * filled(inputs) * 2
  }

  /// Everything held.
  var bytes: Bytes { storage.bytes(NarrowPanels.byteCount(outputs, inputs)) }

  private var panels: Int { (outputs + width - 1) / width }

  /// Inputs that a product goes through: an even number.
  private var depth: Int { (inputs + 1) / 2 * 2 }

  /// Values in one panel.
  private var panelStride: Int { width * NarrowPanels.filled(inputs) }

  private func pointer(_ panel: Int) -> UnsafeMutablePointer<UInt16> {
    unsafe storage.base.assumingMemoryBound(to: UInt16.self) + panel * panelStride
  }

  private func range(_ panel: Int) -> Range<Int> {
    panel * width..<min(outputs, (panel + 1) * width)
  }

  /// The outputs of some panels.
  func columns(_ panels: Range<Int>) -> Range<Int> {
    panels.lowerBound * width..<min(outputs, panels.upperBound * width)
  }

  /// One output's values, rounded as they are held.
  func copyOutput(_ output: Int, into row: Matrix) {
    precondition(
      output >= 0 && output < outputs && row.count == inputs && width == NarrowPanels.panel,
      "NarrowPanels: out of bounds")
    unsafe ck_bf16_output(output % width, inputs, pointer(output / width), row.pointer)
  }
}

extension NarrowPanels {
  /// A product that is added for some of the rows, as plain values: of many adapters' terms the references to what they share
  /// would take longer to count than a few rows to multiply. Whoever makes one holds its factors while it is used.
  @safe struct Term {
    // Safe: as said.
    let rows: Range<Int>
    /// What a product with the term reads from memory, and what is read soon after.
    let range: ck_range
    /// Outputs in a panel.
    let width: Int
    private let whole: ck_bf16_term

    /// - Parameters:
    ///   - leftRow: The row of `left` that goes with the first of `rows`.
    ///   - behind: Bytes behind `right` that are read soon after it.
    init(
      rows: Range<Int>, left: NarrowRows, from leftRow: Int = 0, right: NarrowPanels,
      behind: Int = 0
    ) {
      self.rows = rows
      width = right.width
      unsafe range = unsafe ck_range(
        from: right.storage.base,
        bytes: NarrowPanels.byteCount(right.outputs, right.inputs) + behind)
      unsafe whole = unsafe ck_bf16_term(
        rows: left.pointer(row: leftRow), stride: left.stride, panel: right.pointer(0),
        panel_stride: right.panelStride, depth: right.depth)
    }

    /// The product's part for `rows`, which it covers, and some panels' columns.
    func part(_ rows: Range<Int>, _ columns: Range<Int>) -> ck_bf16_term {
      var part = unsafe whole
      unsafe part.rows += (rows.lowerBound - self.rows.lowerBound) * part.stride
      unsafe part.panel += columns.lowerBound / width * part.panel_stride
      return unsafe part
    }

    /// Adds what falls on `rows` to some panels' columns of `y`, whose rows are `stride` apart.
    func add(
      _ rows: Range<Int>, _ columns: Range<Int>, to y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
      let common = self.rows.clamped(to: rows)
      guard !common.isEmpty else { return }
      let to = unsafe y + common.lowerBound * stride + columns.lowerBound
      unsafe withUnsafePointer(to: part(common, columns)) {
        unsafe ck_bf16_product(
          common.count, width, columns.count, 1, $0, to, stride, to, stride)
      }
    }
  }

  /// `y = initial + x W^T + terms`; each row's bits are the same whichever rows it shares the call with.
  /// - Parameter initial: May be `y`; nil for zero.
  func apply(
    _ x: NarrowRows, plus terms: [Term], onto initial: Matrix?, into y: Matrix, pool: WorkerPool
  ) {
    let parts = parts(of: x.rows)
    pool.forEach(parts.count) { index in
      let (rows, range) = parts[index]
      multiply(rows, x, range, terms, onto: initial, into: y)
    }
  }

  func parts(of rows: Int) -> ProductParts {
    ProductParts(rows: rows, panels: panels, panelWork: panelStride)
  }

  /// `dx = dy W + terms`, or `dx += ...` where `accumulating`: W's blocks are turned around on the way into the kernel, so
  /// that one copy of the weight serves both directions.
  func applyTransposed(
    _ dy: NarrowRows, plus terms: [Term], accumulating: Bool, into dx: Matrix,
    recycler: BufferRecycler, pool: WorkerPool
  ) {
    unsafe Self.applyTransposed(
      dy, outputs: outputs, plus: terms, accumulating: accumulating, into: dx, recycler: recycler,
      pool: pool
    ) { panels, block, turned in
      unsafe ck_bf16_transpose(
        panels.count, pointer(panels.lowerBound) + block * Self.blockSize, panelStride, turned)
    }
  }

  /// Values in a block of 32 x 32.
  private static let blockSize = panel * panel

  /// The same for any weight of which `turn` gives blocks turned around, `[output / 2][input][2]`: of some panels, and of 32
  /// inputs by their number.
  static func applyTransposed(
    _ dy: NarrowRows, outputs: Int, plus terms: [Term], accumulating: Bool, into dx: Matrix,
    recycler: BufferRecycler, pool: WorkerPool,
    turn: (Range<Int>, Int, UnsafeMutablePointer<UInt16>) -> Void
  ) {
    let panels = (outputs + panel - 1) / panel
    let chunk = 32  // panels turned around at once: 64 KiB of scratch
    pool.forEach((dx.columns + panel - 1) / panel) { index in
      let scratch = MemoryBlock(byteCount: chunk * blockSize * 2, recycler: recycler)
      let turned = unsafe scratch.base.assumingMemoryBound(to: UInt16.self)
      let columns = index * panel..<min(dx.columns, (index + 1) * panel)
      for start in stride(from: 0, to: panels, by: chunk) {
        let end = min(panels, start + chunk)
        unsafe turn(start..<end, index, turned)
        let left = dy.columns(from: start * panel)
        let rowBlock = max(1, ProductParts.rowBlock(of: dy.rows))
        for row in stride(from: 0, to: dy.rows, by: rowBlock) {
          unsafe multiply(
            row..<min(dy.rows, row + rowBlock), left, columns, panel, turned,
            0, (end - start) * panel, end == panels ? terms : [],
            onto: accumulating || start > 0 ? dx : nil, into: dx)
        }
      }
    }
  }

  private func multiply(
    _ rows: Range<Int>, _ x: NarrowRows, _ panels: Range<Int>, _ terms: [Term],
    onto initial: Matrix?, into y: Matrix
  ) {
    unsafe Self.multiply(
      rows, x, columns(panels), width, pointer(panels.lowerBound), panelStride, depth, terms,
      onto: initial, into: y)
  }

  /// Some panels' product for `rows`, with the terms that fall on them.
  ///
  /// Rows with the same terms go together, the first term in the same pass as the weight: so a row's additions have the same
  /// order in any company.
  private static func multiply(
    _ rows: Range<Int>, _ x: NarrowRows, _ columns: Range<Int>, _ width: Int,
    _ panel: UnsafePointer<UInt16>, _ panelStride: Int, _ depth: Int, _ terms: [Term],
    onto initial: Matrix?, into y: Matrix
  ) {
    var start = rows.lowerBound
    while start < rows.upperBound {
      // Up to where a term begins or ends.
      let end = terms.reduce(rows.upperBound) { end, term in
        let next = start < term.rows.lowerBound ? term.rows.lowerBound : term.rows.upperBound
        return start < next ? min(end, next) : end
      }
      let run = start..<end
      let whole = unsafe ck_bf16_term(
        rows: x.pointer(row: start), stride: x.stride, panel: panel, panel_stride: panelStride,
        depth: depth)
      if let first = terms.firstIndex(where: { $0.rows.contains(start) }) {
        unsafe withUnsafePointer(to: (whole, terms[first].part(run, columns))) { pair in
          unsafe pair.withMemoryRebound(to: ck_bf16_term.self, capacity: 2) {
            unsafe Self.run(2, $0, run, columns, width, onto: initial, into: y)
          }
        }
        add(terms[(first + 1)...], run, columns, to: y)
      } else {
        unsafe withUnsafePointer(to: whole) {
          unsafe Self.run(1, $0, run, columns, width, onto: initial, into: y)
        }
      }
      start = end
    }
  }

  /// Adds the terms that fall on `rows` to some panels' columns of `y`.
  static func add(
    _ terms: ArraySlice<Term>, _ rows: Range<Int>, _ columns: Range<Int>, to y: Matrix
  ) {
    for term in terms { unsafe term.add(rows, columns, to: y.pointer, y.columns) }
  }

  private static func run(
    _ count: Int, _ terms: UnsafePointer<ck_bf16_term>, _ rows: Range<Int>, _ columns: Range<Int>,
    _ width: Int, onto initial: Matrix?, into y: Matrix
  ) {
    let place = rows.lowerBound * y.columns + columns.lowerBound
    let from: UnsafePointer<Float>? =
      if let initial { unsafe UnsafePointer(initial.pointer + place) } else { nil }
    unsafe ck_bf16_product(
      rows.count, width, columns.count, count, terms, from, y.columns, y.pointer + place, y.columns)
  }
}
