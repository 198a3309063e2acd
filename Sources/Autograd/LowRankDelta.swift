public import Tensors

/// An adapter's update of one linear layer for some of a batch's rows: `y += scale * dropout(x) A^T B^T + shift`.
///
/// Hu et al., "LoRA: Low-rank adaptation of large language models" (2021).
public struct LowRankDelta {
  /// The rows of the batch that it applies to.
  public var rows: Range<Int>
  /// A, `(r, in)`.
  public let a: Factor
  /// B, `(out, r)`.
  public let b: Factor
  /// alpha / r, or alpha / sqrt(r) for rsLoRA.
  public let scale: Float
  /// What most have none of, in one place: a batch of many adapters copies thousands of deltas.
  private let rare: Rare?

  private final class Rare {
    let trainable: (a: Variable, b: Variable)?
    let shift: Matrix?
    let dropout: Dropout?

    init(_ trainable: (a: Variable, b: Variable)?, _ shift: Matrix?, _ dropout: Dropout?) {
      self.trainable = trainable
      self.shift = shift
      self.dropout = dropout
    }
  }

  /// A delta of frozen factors, which keep their packed forms from one batch to the next.
  public init(rows: Range<Int>, a: Factor, b: Factor, scale: Float, shift: Matrix? = nil) {
    self.init(rows, a, b, trainable: nil, scale, shift, nil)
  }

  /// A delta of `a` and `b`, which may not be written to while it is used.
  public init(
    rows: Range<Int>, a: Variable, b: Variable, scale: Float, shift: Matrix? = nil,
    dropout: Dropout? = nil
  ) {
    let isTrainable = a.requiresGradient || b.requiresGradient
    self.init(
      rows, Factor(a.value), Factor(b.value), trainable: isTrainable ? (a, b) : nil, scale, shift,
      dropout)
  }

  private init(
    _ rows: Range<Int>, _ a: Factor, _ b: Factor, trainable: (a: Variable, b: Variable)?,
    _ scale: Float, _ shift: Matrix?, _ dropout: Dropout?
  ) {
    precondition(a.rows == b.columns, "LowRankDelta: ranks differ")
    self.rows = rows
    self.a = a
    self.b = b
    self.scale = scale
    let isRare = trainable != nil || shift != nil || dropout != nil
    rare = isRare ? Rare(trainable, shift, dropout) : nil
  }

  /// A and B where they are learnt.
  public var trainable: (a: Variable, b: Variable)? { rare?.trainable }

  /// What is added to each row besides, `(1, out)`, frozen: a bias of B times the scale.
  public var shift: Matrix? { rare?.shift }

  /// Dropout of the adapter's input, while training.
  public var dropout: Dropout? { rare?.dropout }

  /// The inner dimension.
  public var rank: Int { a.rows }

  /// The same delta for other rows.
  public func covering(_ rows: Range<Int>) -> LowRankDelta {
    var copy = self
    copy.rows = rows
    return copy
  }

  /// The same delta for the part of its rows that lies in `range`, counted from the range's start; nil where none does.
  func restricted(to range: Range<Int>) -> LowRankDelta? {
    let common = rows.clamped(to: range)
    guard !common.isEmpty else { return nil }
    let dropout = dropout.map {
      Dropout(probability: $0.probability, seed: $0.seed &+ UInt64(common.lowerBound))
    }
    return LowRankDelta(
      common.lowerBound - range.lowerBound..<common.upperBound - range.lowerBound, a, b,
      trainable: trainable, scale, shift, dropout)
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
