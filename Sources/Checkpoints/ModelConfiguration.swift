/// A decoder architecture that Lorikeet runs.
public enum Architecture: String, Sendable, Codable, CaseIterable {
  case llama, mistral, qwen2, qwen3
}

/// How rotary angles are stretched for contexts longer than the first training's.
public enum RopeScaling: Sendable, Equatable {
  case none
  /// Every position is divided by `factor` (Chen et al., 2023).
  case linear(factor: Double)
  /// Llama 3's: low frequencies are divided by `factor`, high ones kept, those between blended.
  case llama3(
    factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
  /// GGUF's `rope_freqs.weight`: each inverse frequency is divided by its own factor.
  case factors([Float])
}

/// What a checkpoint says of its model: everything that the forward pass needs to know besides the weights.
public struct ModelConfiguration: Sendable, Equatable {
  /// The family.
  public var architecture: Architecture
  /// Width of the residual stream.
  public var hiddenSize: Int
  /// Blocks.
  public var layerCount: Int
  /// Query heads.
  public var headCount: Int
  /// Key and value heads; `headCount` is a multiple.
  public var keyValueHeadCount: Int
  /// Values in a head; not always `hiddenSize / headCount`.
  public var headSize: Int
  /// Width inside the feed-forward.
  public var feedForwardSize: Int
  /// Rows of the token embedding.
  public var vocabularySize: Int
  /// Positions the model was trained for.
  public var contextLength: Int
  /// Epsilon of every norm.
  public var rmsNormEpsilon: Float
  /// Base of the rotary frequencies.
  public var ropeBase: Double
  /// Their stretching.
  public var ropeScaling: RopeScaling
  /// How many keys a query sees, itself included; nil for all.
  public var slidingWindow: Int?
  /// Whether the head is the token embedding.
  public var tiedEmbeddings: Bool
  /// Whether q, k and v have a bias.
  public var attentionBias: Bool
  /// Whether o has a bias.
  public var outputBias: Bool
  /// Whether queries and keys are normalised, head by head.
  public var queryKeyNorm: Bool
  /// Tokens that end a generation.
  public var endOfSequence: [Int]
  /// The token that begins a sequence, where there is one.
  public var beginOfSequence: Int?

  /// A configuration; what most models lack is left out by default.
  public init(
    architecture: Architecture, hiddenSize: Int, layerCount: Int, headCount: Int,
    keyValueHeadCount: Int, headSize: Int, feedForwardSize: Int, vocabularySize: Int,
    contextLength: Int, rmsNormEpsilon: Float, ropeBase: Double, ropeScaling: RopeScaling = .none,
    slidingWindow: Int? = nil, tiedEmbeddings: Bool, attentionBias: Bool = false,
    outputBias: Bool = false, queryKeyNorm: Bool = false, endOfSequence: [Int] = [],
    beginOfSequence: Int? = nil
  ) {
    self.architecture = architecture
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headSize = headSize
    self.feedForwardSize = feedForwardSize
    self.vocabularySize = vocabularySize
    self.contextLength = contextLength
    self.rmsNormEpsilon = rmsNormEpsilon
    self.ropeBase = ropeBase
    self.ropeScaling = ropeScaling
    self.slidingWindow = slidingWindow
    self.tiedEmbeddings = tiedEmbeddings
    self.attentionBias = attentionBias
    self.outputBias = outputBias
    self.queryKeyNorm = queryKeyNorm
    self.endOfSequence = endOfSequence
    self.beginOfSequence = beginOfSequence
  }
}
