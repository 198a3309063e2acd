import CKernels

/// How a base's weights are held, and how products with them are computed.
public enum WeightFormat: String, Sendable, CaseIterable {
  /// Floats, multiplied by BLAS: the reference, the same bits as ever.
  case f32
  /// The upper halves of floats, packed for our kernels; activations are rounded alike, sums are floats.
  case bf16
  /// The fastest and the least exact: blocks of 32 values with a scale, GGUF's blocks with their own quants, floats in
  /// 8 bits; activations and their gradients are rounded to 8 bits, a block's sum is an integer.
  case int8
  /// As the checkpoint stores them: blocks as `int8` has them, but with activations in 16 bits; floats as `bf16`.
  case native

  /// To learn with: the fastest on this processor that keeps the losses.
  public static var training: WeightFormat {
    ck_current_variant().rawValue >= CK_AVX512_BF16.rawValue ? .bf16 : .f32
  }

  /// To answer with: the fastest on this processor that keeps what the checkpoint holds.
  public static var serving: WeightFormat {
    ck_current_variant().rawValue >= CK_AVX2.rawValue ? .native : .f32
  }

  /// What a stored weight is held as.
  fileprivate func packing(of source: StoredRows) -> WeightFormat {
    // A side below a panel's has nothing to gain.
    guard min(source.rows, source.columns) >= 32 else { return .f32 }
    switch self {
    case .f32, .bf16: return self
    case .int8: return BlockPanels.fits(source) ? .int8 : .bf16
    case .native:
      let isFloat = source.dtype.valuesPerBlock == 1
      return isFloat || !BlockPanels.fits(source) ? .bf16 : .native
    }
  }
}

/// A weight of the frozen base, `(out, in)`, in the layout that its products want, made once.
///
/// Every product with a frozen weight goes through here, and takes the adapters' thin products along.
public struct FrozenWeight: Sendable {
  enum Storage {
    case plain(Matrix)
    case narrow(NarrowPanels)
    case blocks(BlockPanels)
  }

  let storage: Storage

  /// The weight with `values`, `(out, in)`, which nobody writes to any more.
  public init(_ values: Matrix) { storage = .plain(values) }

  /// A stored weight, packed as `format` says.
  ///
  /// No more than a panel of values is held as floats at once, unless the format is `f32`.
  public init(_ source: StoredRows, format: WeightFormat, arena: WeightArena, pool: WorkerPool?) {
    switch format.packing(of: source) {
    case .f32: storage = .plain(source.matrix(pool: pool))
    case .bf16: storage = .narrow(NarrowPanels(source, arena: arena, pool: pool))
    case .int8, .native:
      storage = .blocks(
        BlockPanels(source, isPrecise: format == .native, arena: arena, pool: pool))
    }
  }

  /// A stored weight that was packed as `format` says before: `packed` holds the `packedBytes` of that.
  public init(_ source: StoredRows, format: WeightFormat, packed: Bytes) {
    switch format.packing(of: source) {
    case .f32: preconditionFailure("FrozenWeight: floats are never packed")
    case .bf16: storage = .narrow(NarrowPanels(source, packed: packed))
    case .int8, .native:
      storage = .blocks(BlockPanels(source, isPrecise: format == .native, packed: packed))
    }
  }

  /// Changes whenever the bytes of packed weights would mean something else.
  public static let packingVersion = 4

  /// Bytes that `source` takes packed as `format` says: whole cache lines, or zero where it is held as floats.
  public static func packedSize(_ source: StoredRows, format: WeightFormat) -> Int {
    switch format.packing(of: source) {
    case .f32: 0
    case .bf16: NarrowPanels.byteCount(source.rows, source.columns)
    case .int8, .native: BlockPanels.byteCount(source)
    }
  }

  /// Whether it is packed, and the thin products beside it read packed factors.
  public var isPacked: Bool {
    if case .plain = storage { false } else { true }
  }

  /// The packed weight, or nil where it is held as floats.
  public var packedBytes: Bytes? {
    switch storage {
    case .plain: nil
    case .narrow(let panels): panels.bytes
    case .blocks(let panels): panels.bytes
    }
  }

  /// Values in a row that goes in.
  public var inputSize: Int {
    switch storage {
    case .plain(let values): values.columns
    case .narrow(let panels): panels.inputs
    case .blocks(let panels): panels.inputs
    }
  }

  /// Values in a row that comes out.
  public var outputSize: Int {
    switch storage {
    case .plain(let values): values.rows
    case .narrow(let panels): panels.outputs
    case .blocks(let panels): panels.outputs
    }
  }

  /// Bytes held, mapped ones included.
  public var byteCount: Int {
    switch storage {
    case .plain(let values): values.count * 4
    case .narrow(let panels): panels.bytes.count
    case .blocks(let panels): panels.bytes.count
    }
  }

  /// Copies rows `indices` of the weight: an embedding's look-up.
  public func gather(_ indices: [Int32], into y: Matrix) {
    precondition(
      y.rows == indices.count && y.columns == inputSize, "FrozenWeight: gather's shapes differ")
    for (row, index) in indices.enumerated() {
      precondition(index >= 0 && Int(index) < outputSize, "FrozenWeight: row out of bounds")
      let target = y.rows(row..<row + 1)
      switch storage {
      case .plain(let values): target.copy(from: values.rows(Int(index)..<Int(index) + 1))
      case .narrow(let panels): panels.copyOutput(Int(index), into: target)
      case .blocks(let panels): panels.copyOutput(Int(index), into: target)
      }
    }
  }
}

extension FrozenWeight {
  /// `y = initial + x W^T + terms`.
  /// - Parameters:
  ///   - x: `(T, in)`.
  ///   - rows: The rows of `x`, `initial` and `y` to do.
  ///   - terms: Their rows lie in `rows`.
  ///   - initial: `(T, out)`; nil for zero.
  ///   - y: `(T, out)`; may not overlap `x`.
  public func apply(
    _ x: Operand, rows: Range<Int>, plus terms: [LowRankTerm] = [], onto initial: Matrix? = nil,
    into y: Matrix, pool: WorkerPool
  ) {
    check(x, inputSize, y, outputSize)
    defer { withExtendedLifetime(terms) {} }
    switch storage {
    case .plain(let values):
      let target = y.rows(rows)
      if let initial { target.copy(from: initial.rows(rows)) }
      Self.apply(values, x.values.rows(rows), into: target, accumulating: initial != nil, pool)
      Self.add(terms, to: y, pool)
    case .narrow(let panels):
      panels.apply(
        x.narrowRows.rows(rows),
        plus: Self.narrowed(terms, from: rows.lowerBound),
        onto: initial?.rows(rows), into: y.rows(rows), pool: pool)
    case .blocks(let panels):
      let terms = Self.narrowed(terms, from: rows.lowerBound)
      BlockPanels.apply(
        x.blockRows(precisely: panels.isPrecise).rows(rows), [BlockPanels.Weight(panels)],
        onto: initial?.rows(rows), into: y.rows(rows), plus: terms.map { (0, $0) }, pool: pool)
      withExtendedLifetime(panels) {}
    }
  }

  /// Makes the forms of `x` that this weight's product reads, and thin products beside it where `isUpdated`, in one pass.
  public func prepare(_ x: Operand, isUpdated: Bool) {
    switch storage {
    case .plain: x.prepare(.floats)
    case .narrow: x.prepare(.narrow)
    case .blocks(let panels):
      x.prepare(Self.forms(precisely: panels.isPrecise, isUpdated: isUpdated))
    }
  }

  /// What products with blocks read.
  static func forms(precisely isPrecise: Bool, isUpdated: Bool) -> Operand.Forms {
    let own: Operand.Forms = isPrecise ? .preciseBlocks : .blocks
    return isUpdated ? own.union(.narrow) : own
  }

  /// `dx = dy W + terms`, or `dx += ...` where `accumulating`: the gradient to the activations.
  /// - Parameters:
  ///   - dy: `(T, out)`.
  ///   - rows: The rows of `dy` and `dx` to do.
  ///   - terms: Their rows lie in `rows`.
  ///   - dx: `(T, in)`; may not overlap `dy`.
  public func applyTransposed(
    _ dy: Operand, rows: Range<Int>, plus terms: [LowRankTerm] = [], accumulating: Bool = false,
    into dx: Matrix, recycler: BufferRecycler, pool: WorkerPool
  ) {
    check(dy, outputSize, dx, inputSize)
    defer { withExtendedLifetime(terms) {} }
    switch storage {
    case .plain(let values):
      dx.rows(rows).setProduct(
        dy.values.rows(rows), .plain, values, .plain, accumulating: accumulating, pool: pool)
      Self.add(terms, to: dx, pool)
    case .narrow(let panels):
      panels.applyTransposed(
        dy.narrowRows.rows(rows),
        plus: Self.narrowed(terms, from: rows.lowerBound),
        accumulating: accumulating, into: dx.rows(rows), recycler: recycler, pool: pool)
    case .blocks(let panels):
      let terms = Self.narrowed(terms, from: rows.lowerBound)
      if panels.transposesInBlocks {
        panels.applyTransposed(
          dy.blockRows(precisely: false).rows(rows), plus: terms,
          accumulating: accumulating, into: dx.rows(rows), recycler: recycler, pool: pool)
      } else {
        panels.applyTransposed(
          dy.narrowRows.rows(rows), plus: terms,
          accumulating: accumulating, into: dx.rows(rows), recycler: recycler, pool: pool)
      }
    }
  }

  /// `low = scale * x factor` for each of `products`, computed as this weight's own are: adapters' first factors.
  public func multiply(_ products: [LowRankProduct], pool: WorkerPool) {
    switch storage {
    case .plain:
      for product in products {
        product.low.setProduct(
          product.x.values.rows(product.rows), .plain, product.factor.values, product.orientation,
          scale: product.scale, pool: pool)
      }
    case .narrow, .blocks:
      var thin = ThinProducts(capacity: products.count)
      for product in products {
        thin.add(
          product.x.narrowRows.rows(product.rows),
          product.factor.panels(product.orientation), scale: product.scale, into: product.low)
      }
      thin.run(pool)
      withExtendedLifetime(products) {}
    }
  }

  /// `factor = p^T q`, or `factor += ...` where `accumulating`: the gradient of an adapter's factor at this weight, from what
  /// its own products read.
  /// - Parameters:
  ///   - p: `(T, m)`.
  ///   - q: `(T, n)`.
  ///   - factor: `(m, n)`.
  public func addGradient(
    _ p: OperandRows, _ q: OperandRows, to factor: Matrix, accumulating: Bool, pool: WorkerPool
  ) {
    let isPrecise: Bool
    switch storage {
    case .plain:
      return factor.setProduct(
        p.values, .transposed, q.values, .plain, accumulating: accumulating, pool: pool)
    case .narrow: isPrecise = false
    case .blocks(let panels): isPrecise = panels.isPrecise
    }
    factor.setOuterProduct(p, q, precisely: isPrecise, accumulating: accumulating, pool: pool)
  }

  func check(_ from: Operand, _ fromWidth: Int, _ to: Matrix, _ toWidth: Int) {
    precondition(
      from.columns == fromWidth && to.columns == toWidth && from.rows == to.rows,
      "FrozenWeight: \(from.rows) x \(from.columns) by \(outputSize) x \(inputSize) into \(to.rows) x \(to.columns)"
    )
  }

  /// The terms as packed products take them; they point to what `terms` hold.
  private static func narrowed(
    _ terms: [LowRankTerm], from firstRow: Int
  ) -> [NarrowPanels.Term] {
    terms.map { term in
      NarrowPanels.Term(
        rows: term.rows.lowerBound - firstRow..<term.rows.upperBound - firstRow,
        left: term.low.narrowRows.rows(term.lowRows),
        right: term.factor.panels(term.orientation), behind: term.factor.behind)
    }
  }

  private static func add(_ terms: [LowRankTerm], to y: Matrix, _ pool: WorkerPool) {
    for term in terms {
      y.rows(term.rows).setProduct(
        term.low.values.rows(term.lowRows), .plain, term.factor.values, term.orientation,
        accumulating: true, pool: pool)
    }
  }

  private static func apply(
    _ values: Matrix, _ x: Matrix, into y: Matrix, accumulating: Bool, _ pool: WorkerPool
  ) {
    guard x.rows <= 32 else {
      return y.setProduct(
        x, .plain, values, .transposed, accumulating: accumulating, pool: pool)
    }
    let block = max(16, min(values.rows, 1 + 65_536 / max(1, values.columns)))
    pool.forBlocks(of: block, in: values.rows) { range in
      unsafe ck_few_rows(
        x.rows, values.columns, range.count, x.pointer, x.columns,
        values.pointer + range.lowerBound * values.columns, y.pointer + range.lowerBound, y.columns,
        accumulating ? 1 : 0)
    }
  }
}
