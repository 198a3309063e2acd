import CKernels

/// Products of one input with packed weights that are alike, and what adapters add to them, run together: the forward pass that
/// nothing is learnt from. Each one's bits are those that it has alone.
///
/// Plain values: counting references to weights and to thousands of adapters' factors would take longer than multiplying them
/// with a few rows. Whoever adds something holds it until `run` has returned.
@safe package struct FrozenProducts {
  // Safe: as said.
  private var blocks: [BlockPanels.Product] = []
  private var narrow: (weight: NarrowPanels, initial: Matrix?, y: Matrix)?
  private var firsts: [FirstProduct] = []
  private var terms: [BlockPanels.Addition] = []
  /// The input, and the rows of all first factors' products, one update's below the other's, where there are updates.
  private let left, lows: NarrowRows?
  private var lowCount = 0

  /// No products of `x`, `(T, in)`, yet.
  /// - Parameters:
  ///   - count: How many products are to come.
  ///   - updates: How many updates, for how many rows in all, and the largest of their ranks.
  package init(
    _ x: Matrix, count: Int, updates: (count: Int, rows: Int, rank: Int), recycler: BufferRecycler,
    pool: WorkerPool
  ) {
    blocks.reserveCapacity(count)
    guard updates.count > 0 else {
      (left, lows) = (nil, nil)
      return
    }
    left = NarrowRows(x, recycler: recycler, pool: pool)
    lows = NarrowRows(rows: updates.rows, columns: updates.rank, recycler: recycler)
    firsts.reserveCapacity(updates.count)
    terms.reserveCapacity(updates.count)
  }

  /// `y = initial + x W^T`.
  /// - Parameters:
  ///   - x: The input.
  ///   - weight: `(out, in)`, packed, and like the others.
  ///   - initial: `(T, out)`; nil for zero.
  ///   - y: `(T, out)`.
  package mutating func add(
    _ x: Matrix, _ weight: FrozenWeight, onto initial: Matrix?, into y: Matrix
  ) {
    weight.check(x, weight.inputSize, y, weight.outputSize)
    switch weight.storage {
    case .blocks(let panels)
    where narrow == nil && (blocks.first?.isPrecise ?? panels.isPrecise) == panels.isPrecise:
      blocks.append(BlockPanels.Product(panels, after: blocks.last, onto: initial, into: y))
    case .narrow(let panels) where narrow == nil && blocks.isEmpty: narrow = (panels, initial, y)
    default: preconditionFailure("FrozenProducts: weights differ, or are not packed")
    }
  }

  /// `y[rows] += scale * x[rows] A^T B^T` for the product added as number `product`.
  package mutating func addUpdate(
    to product: Int, rows: Range<Int>, a: Factor, b: Factor, scale: Float
  ) {
    guard let left, let lows else { preconditionFailure("FrozenProducts: no room for updates") }
    let first = lowCount
    lowCount += rows.count
    precondition(
      a.columns == left.columns && a.rows == b.columns && a.rows <= lows.columns
        && b.rows == (narrow?.weight.outputs ?? blocks[product].outputs)
        && lowCount <= lows.rows && rows.lowerBound >= 0 && rows.upperBound <= left.rows,
      "FrozenProducts: an update does not fit")
    let panels = a.panels(.transposed)
    for start in stride(from: 0, to: rows.count, by: FirstProduct.mostRows) {
      let count = min(FirstProduct.mostRows, rows.count - start)
      firsts.append(
        FirstProduct(
          panels, left, from: rows.lowerBound + start, scale, lows, from: first + start, count))
    }
    let term = NarrowPanels.Term(
      rows: rows, left: lows, from: first, right: b.panels(.transposed), behind: b.behind)
    terms.append((product, term))
  }

  /// Computes them.
  /// - Parameter x: The input.
  package func run(_ x: Matrix, recycler: BufferRecycler, pool: WorkerPool) {
    pool.forEach(firsts.count) { firsts[$0].run() }
    if let (weight, initial, y) = narrow {
      weight.apply(
        left ?? NarrowRows(x, recycler: recycler, pool: pool), plus: terms.map(\.term),
        onto: initial, into: y, pool: pool)
    }
    if let isPrecise = blocks.first?.isPrecise {
      let rows = BlockRows(x, precisely: isPrecise, recycler: recycler, pool: pool)
      BlockPanels.apply(rows, blocks, plus: terms, pool: pool)
    }
    withExtendedLifetime((left, lows)) {}
  }
}

/// A few rows' product with an adapter's first factor, rounded as the second's reads it.
@safe private struct FirstProduct {
  // Safe: as said of the whole.
  static let mostRows = 24

  private let term: ck_bf16_term
  private let rows, width, columns, stride: Int
  private let scale: Float
  private let to: UnsafeMutablePointer<UInt16>

  init(
    _ panels: NarrowPanels, _ left: NarrowRows, from row: Int, _ scale: Float, _ lows: NarrowRows,
    from low: Int, _ count: Int
  ) {
    let whole = NarrowPanels.Term(rows: 0..<count, left: left, from: row, right: panels)
    unsafe term = unsafe whole.part(0..<count, 0..<panels.outputs)
    (rows, width, columns, stride) = (count, whole.width, panels.outputs, lows.stride)
    self.scale = scale
    unsafe to = lows.pointer(row: low)
  }

  func run() {
    unsafe withUnsafePointer(to: term) {
      unsafe ck_bf16_product_narrow(rows, width, columns, $0, scale, to, stride)
    }
  }
}
