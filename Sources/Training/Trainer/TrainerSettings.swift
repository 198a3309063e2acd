/// What a training step needs to know besides its data and its learning rate.
public struct TrainerSettings: Sendable, Equatable {
  /// AdamW's decay of the first moment.
  public var beta1: Float = 0.9  // Adam paper, algorithm 1; torch's default too
  /// AdamW's decay of the second moment.
  public var beta2: Float = 0.999  // Adam paper, algorithm 1
  /// AdamW's guard against division by zero.
  public var epsilon: Float = 1e-8  // Adam paper, algorithm 1
  /// AdamW's decoupled weight decay.
  public var weightDecay: Float = 0
  /// The largest global norm that gradients may have; nil leaves them alone.
  public var clip: Float? = 1
  /// How many times B's learning rate is A's (Hayou et al., "LoRA+", 2024).
  public var rateRatioB: Float = 1
  /// Dropout of the adapters' inputs.
  public var dropout: Float = 0
  /// Seed of the dropout; a step's masks depend on it, the step and the slot.
  public var seed: UInt64 = 0
  /// The most rows that go through the model at once; a step with more is split, with equal results up to rounding. Nil
  /// for 2,048, or for 512 over packed weights, whose products are as fast on those and keep a quarter as much.
  public var maximumRows: Int?
  /// Whether tokens that sequences of a step have in common from the start are computed once, with equal results up to
  /// rounding. Not with dropout: the sequences would share its masks too.
  public var sharesPrefixes = true
  /// Whether blocks are computed again in the backward instead of keeping their activations.
  public var recomputesBlocks = false

  /// The defaults.
  public init() {}
}
