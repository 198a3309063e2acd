public import Autograd
public import Tensors

/// One slot's update: `delta W = scale * B A` (Hu et al., 2021).
public struct LowRank: Sendable {
  /// A, `(r, in)`.
  public let a: Matrix
  /// B, `(out, r)`.
  public let b: Matrix
  /// alpha / r, or alpha / sqrt(r) for rsLoRA.
  public let scale: Float

  /// An update; the matrices must not be written to while it is shared.
  public init(a: Matrix, b: Matrix, scale: Float) {
    precondition(a.rows == b.columns, "LowRank: A has \(a.rows) rows, B \(b.columns) columns")
    self.a = a
    self.b = b
    self.scale = scale
  }

  /// The inner dimension.
  public var rank: Int { a.rows }

  /// Bytes of A and B.
  public var byteCount: Int { (a.count + b.count) * 4 }

  /// This update for `rows` of a batch, as the one linear function takes it.
  public func applied(to rows: Range<Int>) -> LowRankDelta {
    LowRankDelta(rows: rows, a: Variable(a), b: Variable(b), scale: scale)
  }
}
