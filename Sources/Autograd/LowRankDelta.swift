public import Tensors

/// An adapter's update of one linear layer for some of a batch's rows: `y += scale * dropout(x) A^T B^T + shift`.
///
/// Hu et al., "LoRA: Low-rank adaptation of large language models" (2021).
public struct LowRankDelta {
  /// The rows of the batch that it applies to.
  public var rows: Range<Int>
  /// A, `(r, in)`.
  public let a: Variable
  /// B, `(out, r)`.
  public let b: Variable
  /// A as a factor of products; it outlives the delta where A is frozen.
  let factorA: Factor
  /// B alike.
  let factorB: Factor
  /// alpha / r, or alpha / sqrt(r) for rsLoRA.
  public var scale: Float
  /// What is added to each row besides, `(1, out)`, frozen: a bias of B times the scale.
  public var shift: Matrix?
  /// Dropout of the adapter's input, while training.
  public var dropout: Dropout?

  /// A delta of `a` and `b` for `rows`; while it is used they may not be written to.
  public init(
    rows: Range<Int>, a: Variable, b: Variable, scale: Float, shift: Matrix? = nil,
    dropout: Dropout? = nil
  ) {
    self.init(
      rows: rows, a: a, b: b, factors: (Factor(a.value), Factor(b.value)), scale: scale,
      shift: shift, dropout: dropout)
  }

  /// A delta of frozen factors, which keep their packed forms from one batch to the next.
  public init(
    rows: Range<Int>, frozen factors: (a: Factor, b: Factor), scale: Float, shift: Matrix? = nil
  ) {
    self.init(
      rows: rows, a: Variable(factors.a.values), b: Variable(factors.b.values), factors: factors,
      scale: scale, shift: shift, dropout: nil)
  }

  private init(
    rows: Range<Int>, a: Variable, b: Variable, factors: (a: Factor, b: Factor), scale: Float,
    shift: Matrix?, dropout: Dropout?
  ) {
    precondition(a.value.rows == b.value.columns, "LowRankDelta: ranks differ")
    self.rows = rows
    self.a = a
    self.b = b
    factorA = factors.a
    factorB = factors.b
    self.scale = scale
    self.shift = shift
    self.dropout = dropout
  }

  /// The same delta for other rows.
  public func covering(_ rows: Range<Int>) -> LowRankDelta {
    var copy = self
    copy.rows = rows
    return copy
  }
}

/// Which values to drop: the same seed drops the same ones, forward and backward.
public struct Dropout: Sendable, Equatable {
  /// The chance of a value to be dropped, in [0, 1).
  public var probability: Float
  /// Different for each layer and step.
  public var seed: UInt64

  /// Dropout of this probability.
  public init(probability: Float, seed: UInt64) {
    self.probability = probability
    self.seed = seed
  }
}
