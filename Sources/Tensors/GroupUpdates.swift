import CKernels

/// What adapters add to a group's products, where nothing is learnt.
///
/// Plain values: counting references to thousands of adapters' factors would take longer than multiplying them with a few rows.
/// Whoever adds something holds it until the products have been computed.
@safe package struct GroupUpdates {
  // Safe: as said.
  private var firsts: [FirstProduct] = []
  /// The second factors' products.
  private(set) var terms: [BlockPanels.Addition] = []
  /// The input.
  let left: NarrowRows
  /// The rows of all first factors' products, one update's below the other's.
  private let lows: NarrowRows
  private var lowCount = 0
  private let group: FrozenGroup

  /// No update of the group's products with `x`, `(T, in)`, yet.
  /// - Parameters:
  ///   - count: How many are to come.
  ///   - rows: For how many rows in all.
  ///   - rank: The largest of their ranks.
  package init(
    of group: FrozenGroup, _ x: Operand, count: Int, rows: Int, rank: Int, recycler: BufferRecycler
  ) {
    self.group = group
    left = x.narrowRows
    lows = NarrowRows(rows: rows, columns: rank, recycler: recycler)
    firsts.reserveCapacity(count)
    terms.reserveCapacity(count)
  }

  /// `y[rows] += scale * x[rows] A^T B^T` for the product with weight number `product`.
  package mutating func add(
    to product: Int, rows: Range<Int>, a: Factor, b: Factor, scale: Float
  ) {
    let first = lowCount
    lowCount += rows.count
    precondition(
      a.columns == left.columns && a.rows == b.columns && a.rows <= lows.columns
        && b.rows == group.outputSizes[product] && lowCount <= lows.rows
        && rows.lowerBound >= 0 && rows.upperBound <= left.rows,
      "GroupUpdates: an update does not fit")
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

  /// Computes the first factors' products.
  func runFirsts(_ pool: WorkerPool) { pool.forEach(firsts.count) { firsts[$0].run() } }
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
