/// A thin product that is added to a frozen weight's, for some of the rows: an adapter's second factor.
public struct LowRankTerm {
  /// The rows of the output.
  public var rows: Range<Int>
  /// The left factor is rows `lowRows` of this, `(n, r)`; terms of one rank share it.
  public var low: Operand
  /// As many as `rows`.
  public var lowRows: Range<Int>
  /// `(out, r)` where it is read transposed, else `(r, out)`.
  public var factor: Factor
  /// How `factor` is read.
  public var orientation: Orientation

  /// `low[lowRows]` times `factor` for `rows`.
  public init(
    rows: Range<Int>, low: Operand, lowRows: Range<Int>, factor: Factor, _ orientation: Orientation
  ) {
    precondition(rows.count == lowRows.count, "LowRankTerm: rows differ")
    self.rows = rows
    self.low = low
    self.lowRows = lowRows
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
