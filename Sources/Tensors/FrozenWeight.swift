import CKernels

/// How a base's weights are held, and how products with them are computed.
public enum WeightFormat: String, Sendable, CaseIterable {
  /// Floats, multiplied by BLAS: the reference, the same bits as ever.
  case f32
  /// The upper halves of floats, packed for our kernels; activations are rounded alike, sums are floats.
  case bf16

  /// What is fastest on this processor without changing what a person would notice.
  public static var fastest: WeightFormat {
    ck_current_variant().rawValue >= CK_AVX512_BF16.rawValue ? .bf16 : .f32
  }
}

/// A thin product that is added to a frozen weight's, for some of the rows: an adapter's second factor.
public struct LowRankTerm {
  /// The rows of the output.
  public var rows: Range<Int>
  /// `(rows.count, r)`.
  public var low: Matrix
  /// `(out, r)` where it is read transposed, else `(r, out)`.
  public var factor: Factor
  /// How `factor` is read.
  public var orientation: Orientation

  /// `low` times `factor` for `rows`.
  public init(rows: Range<Int>, low: Matrix, factor: Factor, _ orientation: Orientation) {
    self.rows = rows
    self.low = low
    self.factor = factor
    self.orientation = orientation
  }
}

/// A product with an adapter's first factor, for some of the rows of `x`.
public struct LowRankProduct {
  /// The rows that go in.
  public var x: Operand
  /// Which of them.
  public var rows: Range<Int>
  /// `(r, in)` where it is read transposed, else `(in, r)`.
  public var factor: Factor
  /// How `factor` is read.
  public var orientation: Orientation
  /// What the product is multiplied by.
  public var scale: Float
  /// Receives it, `(rows.count, r)`.
  public var low: Matrix

  /// `low = scale * x[rows] factor`.
  public init(
    _ x: Operand, rows: Range<Int>, by factor: Factor, _ orientation: Orientation, scale: Float,
    into low: Matrix
  ) {
    self.x = x
    self.rows = rows
    self.factor = factor
    self.orientation = orientation
    self.scale = scale
    self.low = low
  }
}

/// A weight of the frozen base, `(out, in)`, in the layout that its products want, made once.
///
/// Every product with a frozen weight goes through here, and takes the adapters' thin products along.
public struct FrozenWeight: Sendable {
  private enum Storage {
    case plain(Matrix)
    case narrow(NarrowPanels)
  }

  private let storage: Storage

  /// The weight with `values`, `(out, in)`, which nobody writes to any more.
  public init(_ values: Matrix) { storage = .plain(values) }

  /// The weight whose rows `rows` gives, a range at a time, packed as `format` says.
  ///
  /// No more than a panel of values is held as floats at once, unless the format is `f32`. A weight with a side below a
  /// panel's 32 stays as floats.
  public init(
    outputs: Int, inputs: Int, format: WeightFormat, pool: WorkerPool?,
    rows: (Range<Int>) -> Matrix
  ) {
    switch format {
    case _ where min(outputs, inputs) < 32: storage = .plain(rows(0..<outputs))
    case .f32: storage = .plain(rows(0..<outputs))
    case .bf16:
      storage = .narrow(NarrowPanels(outputs: outputs, inputs: inputs, pool: pool, rows: rows))
    }
  }

  /// How it is held.
  public var format: WeightFormat {
    switch storage {
    case .plain: .f32
    case .narrow: .bf16
    }
  }

  /// Values in a row that goes in.
  public var inputSize: Int {
    switch storage {
    case .plain(let values): values.columns
    case .narrow(let panels): panels.inputs
    }
  }

  /// Values in a row that comes out.
  public var outputSize: Int {
    switch storage {
    case .plain(let values): values.rows
    case .narrow(let panels): panels.outputs
    }
  }

  /// Bytes held, mapped ones included.
  public var byteCount: Int {
    switch storage {
    case .plain(let values): values.count * 4
    case .narrow(let panels): panels.byteCount
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
    into y: Matrix, recycler: BufferRecycler, pool: WorkerPool
  ) {
    check(x.values, inputSize, y, outputSize)
    switch storage {
    case .plain(let values):
      let target = y.rows(rows)
      if let initial { target.copy(from: initial.rows(rows)) }
      Self.apply(values, x.values.rows(rows), into: target, accumulating: initial != nil, pool)
      Self.add(terms, to: y, pool)
    case .narrow(let panels):
      panels.apply(
        x.narrowRows(pool).rows(rows),
        plus: Self.narrowed(terms, from: rows.lowerBound, recycler, pool),
        onto: initial?.rows(rows), into: y.rows(rows), pool: pool)
    }
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
    check(dy.values, outputSize, dx, inputSize)
    switch storage {
    case .plain(let values):
      dx.rows(rows).setProduct(
        dy.values.rows(rows), .plain, values, .plain, accumulating: accumulating, pool: pool)
      Self.add(terms, to: dx, pool)
    case .narrow(let panels):
      panels.applyTransposed(
        dy.narrowRows(pool).rows(rows),
        plus: Self.narrowed(terms, from: rows.lowerBound, recycler, pool),
        accumulating: accumulating, into: dx.rows(rows), recycler: recycler, pool: pool)
    }
  }

  /// `low = scale * x factor` for each of `products`, computed as this weight's own are: adapters' first factors.
  public func multiply(_ products: [LowRankProduct], recycler: BufferRecycler, pool: WorkerPool) {
    switch storage {
    case .plain:
      for product in products {
        product.low.setProduct(
          product.x.values.rows(product.rows), .plain, product.factor.values, product.orientation,
          scale: product.scale, pool: pool)
      }
    case .narrow:
      NarrowPanels.apply(
        products.map {
          ($0.x.narrowRows(pool).rows($0.rows), $0.factor.panels($0.orientation), $0.low)
        }, pool: pool)
      for product in products where product.scale != 1 { product.low.scale(by: product.scale) }
    }
  }

  /// `factor = p^T q`, or `factor += ...` where `accumulating`: the gradient of an adapter's factor at this weight.
  /// - Parameters:
  ///   - p: `(T, m)`.
  ///   - q: `(T, n)`.
  ///   - factor: `(m, n)`.
  public func addGradient(
    _ p: Matrix, _ q: Matrix, to factor: Matrix, accumulating: Bool, pool: WorkerPool
  ) {
    switch storage {
    case .plain:
      factor.setProduct(p, .transposed, q, .plain, accumulating: accumulating, pool: pool)
    case .narrow: factor.setOuterProduct(p, q, accumulating: accumulating, pool: pool)
    }
  }

  private func check(_ from: Matrix, _ fromWidth: Int, _ to: Matrix, _ toWidth: Int) {
    precondition(
      from.columns == fromWidth && to.columns == toWidth && from.rows == to.rows,
      "FrozenWeight: \(from.rows) x \(from.columns) by \(outputSize) x \(inputSize) into \(to.rows) x \(to.columns)"
    )
  }

  private static func narrowed(
    _ terms: [LowRankTerm], from firstRow: Int, _ recycler: BufferRecycler, _ pool: WorkerPool
  ) -> [NarrowPanels.Term] {
    terms.map { term in
      NarrowPanels.Term(
        rows: term.rows.lowerBound - firstRow..<term.rows.upperBound - firstRow,
        left: NarrowRows(term.low, recycler: recycler, pool: pool),
        right: term.factor.panels(term.orientation))
    }
  }

  private static func add(_ terms: [LowRankTerm], to y: Matrix, _ pool: WorkerPool) {
    for term in terms {
      y.rows(term.rows).setProduct(
        term.low, .plain, term.factor.values, term.orientation, accumulating: true, pool: pool)
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
