public import JSON

/// How low-rank updates are laid over a base: which layers, which rank, which scale; PEFT's `LoraConfig`.
///
/// Hu et al., "LoRA" (2021); Kalajdzievski, "A rank stabilization scaling factor" (2023) for `usesRSLoRA`.
public struct LoRAConfiguration: Sendable, Equatable {
  /// The inner size r of each update, where no rank pattern says otherwise.
  public var rank: Int
  /// The scale's numerator: `alpha / r`, or `alpha / sqrt(r)` with rsLoRA.
  public var alpha: Double
  /// Ranks of single layers; the first rule that matches wins.
  public var rankPattern: [ModuleRule<Int>]
  /// Alphas of single layers; the first rule that matches wins.
  public var alphaPattern: [ModuleRule<Double>]
  /// Whether the scale is `alpha / sqrt(r)`.
  public var usesRSLoRA: Bool
  /// The chance of an input value to be dropped while training, in [0, 1).
  public var dropout: Double
  /// The layers to adapt.
  public var targets: TargetModules
  /// Layers that are left alone although `targets` names them.
  public var excluded: ModuleChoice?
  /// The blocks that names are looked for in; nil for all. A name that is a whole path is not restricted.
  public var layers: OneOrMany<Int>?
  /// What stands before the block's number in a path (`layers`); nil for whatever stands there.
  public var layersPattern: OneOrMany<String>?
  /// How training starts.
  public var initialisation: LoRAInitialisation
  /// Which of the base's biases were trained with it.
  public var trainedBiases: TrainedBiases
  /// Whether B has a bias, which the scale multiplies too.
  public var usesLoRABias: Bool
  /// Modules that were trained whole; PEFT's `modules_to_save`.
  public var savedModules: [String]?
  /// Whether what was done to the embedding was done to the head of a base that ties them, too.
  public var ensuresTying: Bool
  /// What PEFT keeps beside and what changes nothing.
  public var notes: PEFTNotes

  /// A configuration; what is left out is PEFT's default.
  public init(
    rank: Int = 8, alpha: Double = 8, targets: TargetModules = .architectureDefault,
    usesRSLoRA: Bool = false, dropout: Double = 0, rankPattern: [ModuleRule<Int>] = [],
    alphaPattern: [ModuleRule<Double>] = [], excluded: ModuleChoice? = nil,
    layers: OneOrMany<Int>? = nil, layersPattern: OneOrMany<String>? = nil,
    initialisation: LoRAInitialisation = .kaiming, trainedBiases: TrainedBiases = .none,
    usesLoRABias: Bool = false, savedModules: [String]? = nil, ensuresTying: Bool = false,
    notes: PEFTNotes = PEFTNotes()
  ) {
    self.rank = rank
    self.alpha = alpha
    self.rankPattern = rankPattern
    self.alphaPattern = alphaPattern
    self.usesRSLoRA = usesRSLoRA
    self.dropout = dropout
    self.targets = targets
    self.excluded = excluded
    self.layers = layers
    self.layersPattern = layersPattern
    self.initialisation = initialisation
    self.trainedBiases = trainedBiases
    self.usesLoRABias = usesLoRABias
    self.savedModules = savedModules
    self.ensuresTying = ensuresTying
    self.notes = notes
  }

  /// The scale of an update of rank `rank`: `alpha / rank`, or `alpha / sqrt(rank)` with rsLoRA.
  public func scale(rank: Int, alpha: Double) -> Float {
    Float(usesRSLoRA ? alpha / Double(rank).squareRoot() : alpha / Double(rank))
  }

  /// Refuses values out of range and settings that contradict each other, as PEFT does.
  public func check() throws(AdapterError) {
    try LoRAConfiguration.check(rank: rank, "r")
    for rule in rankPattern {
      try LoRAConfiguration.check(rank: rule.value, "rank_pattern '\(shortened(rule.pattern))'")
    }
    try LoRAConfiguration.check(alpha: alpha, "lora_alpha")
    for rule in alphaPattern {
      try LoRAConfiguration.check(alpha: rule.value, "alpha_pattern '\(shortened(rule.pattern))'")
    }
    guard dropout >= 0, dropout < 1 else {
      throw AdapterError(.badConfiguration, "lora_dropout must be in [0, 1), got \(dropout)")
    }
    let isNames = if case .names = targets { true } else { targets == .architectureDefault }
    guard isNames || (layers == nil && layersPattern == nil) else {
      throw AdapterError(
        .badConfiguration,
        "layers_to_transform and layers_pattern only go with target modules given as a list of names"
      )
    }
    guard layers != nil || layersPattern?.values.isEmpty ?? true else {
      throw AdapterError(.badConfiguration, "layers_pattern needs layers_to_transform")
    }
  }

  /// Larger than any model's width in use; keeps every product of sizes far from overflow.
  static let largestRank = 65_536

  private static func check(rank: Int, _ what: String) throws(AdapterError) {
    guard rank > 0, rank <= largestRank else {
      throw AdapterError(
        .badConfiguration, "\(what): a rank must be from 1 to \(largestRank), got \(rank)")
    }
  }

  private static func check(alpha: Double, _ what: String) throws(AdapterError) {
    guard alpha.isFinite, alpha != 0, abs(alpha) <= 1e9 else {
      throw AdapterError(
        .badConfiguration, "\(what): alpha must be a finite number other than 0, got \(alpha)")
    }
  }
}

/// The layers that an adapter attaches to; PEFT's `target_modules`.
public enum TargetModules: Sendable, Equatable {
  /// What PEFT takes for the architecture when nothing is said.
  case architectureDefault
  /// Every linear layer but the head.
  case allLinear
  /// Layers with one of these paths, or whose path ends in `.` and one of these.
  case names([String])
  /// Layers whose whole path this regular expression matches.
  case pattern(String)
}

/// Layers by name or by regular expression; PEFT's `exclude_modules`.
public enum ModuleChoice: Sendable, Equatable {
  /// Layers with one of these paths, or whose path ends in `.` and one of these.
  case names([String])
  /// Layers whose whole path this regular expression matches.
  case pattern(String)
}

/// A value for the layers whose path is, or ends in `.` and, what `pattern` matches.
public struct ModuleRule<Value: Sendable & Equatable>: Sendable, Equatable {
  /// A regular expression.
  public var pattern: String
  /// The value.
  public var value: Value

  /// A rule.
  public init(_ pattern: String, _ value: Value) {
    self.pattern = pattern
    self.value = value
  }
}

/// How A and B start; PEFT's `init_lora_weights`.
public enum LoRAInitialisation: Sendable, Equatable {
  /// A uniform in ±1/sqrt(in), B zero (`true`).
  case kaiming
  /// A normal with deviation 1/r, B zero (`"gaussian"`).
  case gaussian
  /// A way that leaves the base alone and that only matters to who trained it: `false` or `"orthogonal"`.
  case foreign(JSONValue)
}

/// The base's biases that an adapter brings its own values of; PEFT's `bias`.
public enum TrainedBiases: String, Sendable, Equatable, CaseIterable {
  /// None.
  case none
  /// All of the base's.
  case all
  /// Those of the layers with a low-rank update.
  case adapted = "lora_only"
}

/// A value that a file may hold bare or in a list.
public enum OneOrMany<Element: Sendable & Equatable>: Sendable, Equatable {
  case one(Element)
  case many([Element])

  /// The values in order.
  public var values: [Element] {
    switch self {
    case .one(let element): [element]
    case .many(let elements): elements
    }
  }
}

/// What `adapter_config.json` holds beside the maths.
public struct PEFTNotes: Sendable, Equatable {
  /// Name or path of the base as the trainer knew it.
  public var baseModel: String?
  /// The base's revision.
  public var revision: String?
  /// PEFT's task type.
  public var taskType: String?
  /// The version of PEFT that the file is for.
  public var peftVersion: String
  /// Classes to build the base with, where there is no task type.
  public var autoMapping: JSONValue
  /// Settings that are off, under keys or in spellings that PEFT would not write by default.
  public var inert: JSONObject

  /// Notes; by default those of a new adapter for a causal language model.
  public init(
    baseModel: String? = nil, revision: String? = nil, taskType: String? = "CAUSAL_LM",
    peftVersion: String = "0.21.2",  // the release that our files are compared with
    autoMapping: JSONValue = .null, inert: JSONObject = JSONObject()
  ) {
    self.baseModel = baseModel
    self.revision = revision
    self.taskType = taskType
    self.peftVersion = peftVersion
    self.autoMapping = autoMapping
    self.inert = inert
  }
}
