public import Tensors

/// One slot's update: `delta W = scale * B A` (Hu et al., 2021), and with a bias of B `delta b = scale * bias`.
public struct LowRank: Sendable {
  /// A, `(r, in)`.
  public let a: Matrix
  /// B, `(out, r)`.
  public let b: Matrix
  /// alpha / r, or alpha / sqrt(r) for rsLoRA.
  public let scale: Float
  /// The bias of B, `(1, out)`; PEFT's `lora_bias`.
  public let bias: Matrix?

  /// An update; the matrices must not be written to while it is shared.
  public init(a: Matrix, b: Matrix, scale: Float, bias: Matrix? = nil) {
    precondition(a.rows == b.columns, "LowRank: A has \(a.rows) rows, B \(b.columns) columns")
    self.a = a
    self.b = b
    self.scale = scale
    self.bias = bias
  }

  /// The inner dimension.
  public var rank: Int { a.rows }

  /// Values of A, B and the bias.
  public var parameterCount: Int { a.count + b.count + (bias?.count ?? 0) }
}
