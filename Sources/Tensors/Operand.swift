import CKernels

/// A matrix as the left factor of products, in the forms that they read.
///
/// A form is made by the first product that needs it and shared by the others (q, k and v; gate and up). What is computed row
/// by row, as a norm is, is converted block by block while it is in the nearest cache, and its floats are nowhere else. The
/// values stay as they are: they may not be written to once they have gone into a product.
@safe public final class Operand {
  // Safe: `compute` is given room for the rows that it is asked for.
  /// How many rows.
  public let rows: Int
  /// Values in a row.
  public let columns: Int
  private let recycler: BufferRecycler
  private let pool: WorkerPool
  /// Writes some rows; nil where the values are there from the start.
  private let compute: ((Range<Int>, UnsafeMutablePointer<Float>) -> Void)?
  private var floats: Matrix?
  private var narrow: NarrowRows?
  private var blocks: BlockRows?
  private var preciseBlocks: BlockRows?

  /// What products read.
  struct Forms: OptionSet {
    let rawValue: Int
    static let floats = Forms(rawValue: 1)
    static let narrow = Forms(rawValue: 2)
    static let blocks = Forms(rawValue: 4)
    static let preciseBlocks = Forms(rawValue: 8)
  }

  /// `values` as a factor; other forms come from `recycler`.
  public init(_ values: Matrix, recycler: BufferRecycler, pool: WorkerPool) {
    (rows, columns) = (values.rows, values.columns)
    (self.recycler, self.pool) = (recycler, pool)
    unsafe compute = nil
    floats = values
  }

  /// A factor whose rows `compute` writes, to the same bits however often it is asked and for whichever rows.
  init(
    rows: Int, columns: Int, recycler: BufferRecycler, pool: WorkerPool,
    compute: @escaping (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    (self.rows, self.columns) = (rows, columns)
    (self.recycler, self.pool) = (recycler, pool)
    unsafe self.compute = compute
  }

  /// The values.
  public var values: Matrix {
    if let floats { return floats }
    let made = newFloats
    fill(floats: made)
    return made
  }

  var narrowRows: NarrowRows {
    if let narrow { return narrow }
    let made = newNarrow
    fill(narrow: made)
    return made
  }

  func blockRows(precisely: Bool) -> BlockRows {
    if let kept = precisely ? preciseBlocks : blocks { return kept }
    let made = newBlocks(precisely)
    if precisely { fill(preciseBlocks: made) } else { fill(blocks: made) }
    return made
  }

  /// Makes those of `forms` that are not there yet, in one pass.
  func prepare(_ forms: Forms) {
    let floats = forms.contains(.floats) && floats == nil ? newFloats : nil
    let narrow = forms.contains(.narrow) && narrow == nil ? newNarrow : nil
    let blocks = forms.contains(.blocks) && blocks == nil ? newBlocks(false) : nil
    let precise = forms.contains(.preciseBlocks) && preciseBlocks == nil ? newBlocks(true) : nil
    if floats != nil || narrow != nil || blocks != nil || precise != nil {
      fill(floats: floats, narrow: narrow, blocks: blocks, preciseBlocks: precise)
    }
  }

  private var newFloats: Matrix { Matrix(rows: rows, columns: columns, recycler: recycler) }

  private var newNarrow: NarrowRows {
    NarrowRows(rows: rows, columns: columns, recycler: recycler)
  }

  private func newBlocks(_ isPrecise: Bool) -> BlockRows {
    BlockRows(rows: rows, columns: columns, precisely: isPrecise, recycler: recycler)
  }

  /// Sets new forms, and keeps them.
  private func fill(
    floats: Matrix? = nil, narrow: NarrowRows? = nil, blocks: BlockRows? = nil,
    preciseBlocks: BlockRows? = nil
  ) {
    let source = unsafe self.floats?.pointer
    let whole = unsafe floats?.pointer
    pool.forRows(of: rows, columns) { range in
      let first = range.lowerBound * columns
      func convert(_ values: UnsafePointer<Float>) {
        if let narrow { unsafe narrow.set(range, to: values) }
        if let blocks { unsafe blocks.set(range, to: values) }
        if let preciseBlocks { unsafe preciseBlocks.set(range, to: values) }
      }
      if let source = unsafe source { return unsafe convert(source + first) }
      if let whole = unsafe whole {
        unsafe compute?(range, whole + first)
        return unsafe convert(whole + first)
      }
      // Not the system's: it would give pages back and ask for them again, step by step.
      let scratch = MemoryBlock(byteCount: range.count * columns * 4, recycler: recycler)
      let values = unsafe scratch.base.assumingMemoryBound(to: Float.self)
      unsafe compute?(range, values)
      unsafe convert(values)
      withExtendedLifetime(scratch) {}
    }
    if let floats { self.floats = floats }
    if let narrow { self.narrow = narrow }
    if let blocks { self.blocks = blocks }
    if let preciseBlocks { self.preciseBlocks = preciseBlocks }
  }
}

extension Operand {
  /// Each row of `x` normalised by its root mean square and scaled by `weight`: `y[t, i] = x[t, i] / rms(x[t]) * weight[i]`.
  /// - Parameters:
  ///   - x: `(T, D)`.
  ///   - weight: `(1, D)`.
  ///   - inverseRMS: `(T, 1)`; has `1 / rms` once some form has been made; nil where no backward follows.
  public convenience init(
    normOf x: Matrix, weight: Matrix, epsilon: Float, inverseRMS: Matrix?,
    recycler: BufferRecycler, pool: WorkerPool
  ) {
    precondition(
      weight.count == x.columns && inverseRMS?.count ?? x.rows == x.rows,
      "Operand: the norm's shapes differ")
    unsafe self.init(rows: x.rows, columns: x.columns, recycler: recycler, pool: pool) {
      unsafe ck_rms_norm(
        $0.count, x.columns, x.pointer + $0.lowerBound * x.columns, weight.pointer, epsilon, $1,
        inverseRMS.map { [first = $0.lowerBound] in unsafe $0.pointer + first })
    }
  }

  /// `silu(gate) * up`, element by element.
  /// - Parameters:
  ///   - gate: `(T, D)`, and `up` alike.
  public convenience init(
    swiGLUOf gate: Matrix, up: Matrix, recycler: BufferRecycler, pool: WorkerPool
  ) {
    precondition(
      gate.rows == up.rows && gate.columns == up.columns, "Operand: SwiGLU's shapes differ")
    unsafe self.init(rows: gate.rows, columns: gate.columns, recycler: recycler, pool: pool) {
      let first = $0.lowerBound * gate.columns
      unsafe ck_swiglu($0.count * gate.columns, gate.pointer + first, up.pointer + first, $1)
    }
  }
}

/// Some rows of an operand.
public struct OperandRows {
  /// What they are rows of.
  public let operand: Operand
  /// Which.
  public let rows: Range<Int>

  /// Rows `rows` of `operand`.
  public init(_ operand: Operand, _ rows: Range<Int>) {
    self.operand = operand
    self.rows = rows
  }

  /// Their values.
  public var values: Matrix { operand.values.rows(rows) }

  var narrowRows: NarrowRows { operand.narrowRows.rows(rows) }
}
