public import Autograd
public import Tensors

/// One slot's update: `delta W = scale * B A` (Hu et al., 2021), and with a bias of B `delta b = scale * bias`.
public struct LowRank: Sendable {
  private let factors: (a: Factor, b: Factor)
  /// alpha / r, or alpha / sqrt(r) for rsLoRA.
  public let scale: Float
  /// The bias of B, `(1, out)`; PEFT's `lora_bias`.
  public let bias: Matrix?
  /// `scale * bias`, made once.
  private let shift: Matrix?

  /// An update; the matrices must not be written to while it is shared.
  public init(a: Matrix, b: Matrix, scale: Float, bias: Matrix? = nil) {
    precondition(a.rows == b.columns, "LowRank: A has \(a.rows) rows, B \(b.columns) columns")
    factors = (Factor(a), Factor(b))
    self.scale = scale
    self.bias = bias
    shift = bias?.copied()
    shift?.scale(by: scale)
  }

  /// A, `(r, in)`.
  public var a: Matrix { factors.a.values }

  /// B, `(out, r)`.
  public var b: Matrix { factors.b.values }

  /// The inner dimension.
  public var rank: Int { a.rows }

  /// Values of A, B and the bias.
  public var parameterCount: Int { a.count + b.count + (bias?.count ?? 0) }

  /// Bytes of A, B and the bias.
  public var byteCount: Int { parameterCount * 4 }

  /// Makes the packed forms that a forward pass over a packed base reads.
  func prepare() {
    factors.a.prepare()
    factors.b.prepare()
  }

  /// This update for `rows` of a batch, as the one linear function takes it.
  public func applied(to rows: Range<Int>) -> LowRankDelta {
    LowRankDelta(rows: rows, a: factors.a, b: factors.b, scale: scale, shift: shift)
  }
}
