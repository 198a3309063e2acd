import CKernels

/// The right factor of products in bf16, laid out once for the kernels: panels of 32 outputs (`ck_bf16.h`).
@safe struct NarrowPanels: @unchecked Sendable {
  // Safe: the block is written only while it is made.
  /// Values in a row that comes out.
  let outputs: Int
  /// Values in a row that goes in.
  let inputs: Int
  private let owner: MemoryBlock

  private static let panel = Int(CK_BF16_PANEL)
  /// Multiplications of one item of a shared product, at least: about 10 microseconds.
  private static let leastWork = 1 << 20
  /// Rows of one item of a shared product: as many as stay in the second-level cache.
  private static let rowBlock = 252

  /// `count` filled up to whole blocks.
  static func filled(_ count: Int) -> Int {
    let block = Int(CK_BF16_BLOCK)
    return (count + block - 1) / block * block
  }

  /// Packs `outputs` rows of `inputs` values, which `rows` gives for each panel's range.
  init(
    outputs: Int, inputs: Int, recycler: BufferRecycler? = nil, pool: WorkerPool?,
    rows: (Range<Int>) -> Matrix
  ) {
    self.init(outputs: outputs, inputs: inputs, recycler: recycler)
    let whole = self
    whole.forPanels(pool) { panel, range in
      let values = rows(range)
      precondition(
        values.rows == range.count && values.columns == inputs, "NarrowPanels: shapes differ")
      unsafe ck_bf16_pack(range.count, inputs, values.pointer, inputs, whole.pointer(panel))
    }
  }

  /// Packs `values`: `(out, in)` where `transposed`, as a product with its transpose reads it, else `(in, out)`.
  init(_ values: Matrix, _ orientation: Orientation, recycler: BufferRecycler, pool: WorkerPool) {
    switch orientation {
    case .transposed:
      self.init(
        outputs: values.rows, inputs: values.columns, recycler: recycler, pool: pool
      ) { values.rows($0) }
    case .plain:
      self.init(outputs: values.columns, inputs: values.rows, recycler: recycler)
      let whole = self
      forPanels(pool) { panel, range in
        unsafe ck_bf16_pack_transposed(
          values.rows, range.count, values.pointer + range.lowerBound, values.columns,
          whole.pointer(panel))
      }
    }
  }

  private init(outputs: Int, inputs: Int, recycler: BufferRecycler?) {
    self.outputs = outputs
    self.inputs = inputs
    let panels = (outputs + NarrowPanels.panel - 1) / NarrowPanels.panel
    owner = MemoryBlock(
      byteCount: panels * NarrowPanels.panel * NarrowPanels.filled(inputs) * 2, recycler: recycler)
  }

  /// Bytes held.
  var byteCount: Int { panels * panelStride * 2 }

  private var panels: Int { (outputs + NarrowPanels.panel - 1) / NarrowPanels.panel }

  /// Inputs that a product goes through: an even number.
  private var depth: Int { (inputs + 1) / 2 * 2 }

  /// Values in one panel.
  private var panelStride: Int { NarrowPanels.panel * NarrowPanels.filled(inputs) }

  private func pointer(_ panel: Int) -> UnsafeMutablePointer<UInt16> {
    unsafe owner.base.assumingMemoryBound(to: UInt16.self) + panel * panelStride
  }

  private func range(_ panel: Int) -> Range<Int> {
    panel * NarrowPanels.panel..<min(outputs, (panel + 1) * NarrowPanels.panel)
  }

  private func forPanels(_ pool: WorkerPool?, _ body: (Int, Range<Int>) -> Void) {
    guard let pool, panels * panelStride > NarrowPanels.leastWork / 8 else {
      for panel in 0..<panels { body(panel, range(panel)) }
      return
    }
    pool.forEach(panels) { body($0, range($0)) }
  }

  /// One output's values, rounded as they are held.
  func copyOutput(_ output: Int, into row: Matrix) {
    precondition(
      output >= 0 && output < outputs && row.count == inputs, "NarrowPanels: out of bounds")
    unsafe ck_bf16_output(
      output % NarrowPanels.panel, inputs, pointer(output / NarrowPanels.panel), row.pointer)
  }
}

extension NarrowPanels {
  /// A product that is added for some of the rows.
  struct Term {
    let rows: Range<Int>
    let left: NarrowRows
    let right: NarrowPanels
  }

  /// `y = initial + x W^T + terms`; each row's bits are the same whichever rows it shares the call with.
  /// - Parameter initial: May be `y`; nil for zero.
  func apply(
    _ x: NarrowRows, plus terms: [Term], onto initial: Matrix?, into y: Matrix, pool: WorkerPool
  ) {
    let rowBlocks = (x.rows + NarrowPanels.rowBlock - 1) / NarrowPanels.rowBlock
    let work = min(x.rows, NarrowPanels.rowBlock) * panelStride
    let group = max(1, min(NarrowPanels.leastWork / max(1, work), panels / 8))
    let groups = (panels + group - 1) / group
    pool.forEach(rowBlocks * groups) { index in
      let start = index / groups * NarrowPanels.rowBlock
      let rows = start..<min(x.rows, start + NarrowPanels.rowBlock)
      let first = index % groups * group
      for panel in first..<min(panels, first + group) {
        unsafe Self.multiply(
          rows, x, range(panel), pointer(panel), depth, terms,
          onto: initial, into: y)
      }
    }
  }

  /// `dx = dy W + terms`, or `dx += ...` where `accumulating`: W's blocks are turned around on the way into the kernel, so
  /// that one copy of the weight serves both directions.
  func applyTransposed(
    _ dy: NarrowRows, plus terms: [Term], accumulating: Bool, into dx: Matrix,
    recycler: BufferRecycler, pool: WorkerPool
  ) {
    let chunk = 32  // panels turned around at once: 64 KiB of scratch
    let block = NarrowPanels.panel * NarrowPanels.panel
    pool.forEach((inputs + NarrowPanels.panel - 1) / NarrowPanels.panel) { index in
      let scratch = MemoryBlock(byteCount: chunk * block * 2, recycler: recycler)
      let turned = unsafe scratch.base.assumingMemoryBound(to: UInt16.self)
      let first = index * NarrowPanels.panel
      let columns = first..<min(inputs, first + NarrowPanels.panel)
      for start in stride(from: 0, to: panels, by: chunk) {
        let end = min(panels, start + chunk)
        for panel in start..<end {
          unsafe ck_bf16_transpose(
            pointer(panel) + index * block, turned + (panel - start) * block)
        }
        let depth = (end - start) * NarrowPanels.panel
        let left = dy.columns(from: start * NarrowPanels.panel)
        for row in stride(from: 0, to: dy.rows, by: NarrowPanels.rowBlock) {
          unsafe Self.multiply(
            row..<min(dy.rows, row + NarrowPanels.rowBlock), left, columns, turned, depth,
            end == panels ? terms : [], onto: accumulating || start > 0 ? dx : nil, into: dx)
        }
      }
    }
  }

  /// One panel's product for `rows`, with the terms that fall on them: those for all rows in the same pass, those for some
  /// of them in one of their own.
  private static func multiply(
    _ rows: Range<Int>, _ x: NarrowRows, _ columns: Range<Int>,
    _ panel: UnsafePointer<UInt16>, _ depth: Int, _ terms: [Term], onto initial: Matrix?,
    into y: Matrix
  ) {
    let whole = unsafe ck_bf16_term(
      rows: x.pointer(row: rows.lowerBound), stride: x.stride, panel: panel, depth: depth)
    let fused = terms.firstIndex { rows.clamped(to: $0.rows) == rows }
    if let fused {
      unsafe withUnsafePointer(to: (whole, terms[fused].part(rows, columns))) { pair in
        unsafe pair.withMemoryRebound(to: ck_bf16_term.self, capacity: 2) {
          unsafe run(2, $0, rows, columns, onto: initial, into: y)
        }
      }
    } else {
      unsafe withUnsafePointer(to: whole) {
        unsafe run(1, $0, rows, columns, onto: initial, into: y)
      }
    }
    for (index, term) in terms.enumerated() where index != fused {
      let common = term.rows.clamped(to: rows)
      guard !common.isEmpty else { continue }
      unsafe withUnsafePointer(to: term.part(common, columns)) {
        unsafe run(1, $0, common, columns, onto: y, into: y)
      }
    }
  }

  private static func run(
    _ count: Int, _ terms: UnsafePointer<ck_bf16_term>, _ rows: Range<Int>, _ columns: Range<Int>,
    onto initial: Matrix?, into y: Matrix
  ) {
    let place = rows.lowerBound * y.columns + columns.lowerBound
    let from: UnsafePointer<Float>? =
      if let initial { unsafe UnsafePointer(initial.pointer + place) } else { nil }
    unsafe ck_bf16_product(
      rows.count, columns.count, count, terms, from, y.columns, y.pointer + place, y.columns)
  }
}

extension NarrowPanels.Term {
  /// The product's part for `rows`, which it covers, and one panel's columns.
  fileprivate func part(_ rows: Range<Int>, _ columns: Range<Int>) -> ck_bf16_term {
    unsafe ck_bf16_term(
      rows: left.pointer(row: rows.lowerBound - self.rows.lowerBound), stride: left.stride,
      panel: right.pointer(columns.lowerBound / NarrowPanels.panel),
      depth: right.depth)
  }
}
