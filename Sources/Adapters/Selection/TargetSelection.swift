public import Models

/// The layers that a configuration selects in a model, each with its rank and scale.
public struct TargetSelection: Sendable, Equatable {
  /// One selected layer.
  public struct Target: Sendable, Equatable {
    /// Index in the slot table.
    public let slot: Int
    /// The layer's path.
    public let path: String
    /// The update's inner size.
    public let rank: Int
    /// The scale's numerator.
    public let alpha: Double
    /// `alpha / rank`, or `alpha / sqrt(rank)` with rsLoRA.
    public let scale: Float
  }

  /// The selected layers in the order of the slot table.
  public let targets: [Target]
  /// The layers that the adapter has a whole weight for, which are no targets.
  public let saved: [Int]
  /// Names and patterns of the configuration that matched nothing: PEFT ignores them, often they are typing errors.
  public let unused: [String]

  /// Selects layers by PEFT's rules.
  /// - Throws: `AdapterError` where a pattern cannot be read, a target is no linear layer, or nothing is selected.
  public init(_ configuration: LoRAConfiguration, slots: SlotTable) throws(AdapterError) {
    try configuration.check()
    let saved = try SavedModules(configuration, slots: slots)
    let paths = slots.slots.map(\.path)
    var rules = try SelectionRules(
      configuration, slots: slots, saved: Set(saved.slots.map { paths[$0] }))
    var chosen: [Int] = []
    for (index, path) in paths.enumerated() where try rules.select(path, isLayer: true) {
      chosen.append(index)
    }
    for path in slots.otherModules where try rules.select(path, isLayer: false) {
      throw AdapterError(
        .unsupported,
        "the target modules \(rules.described) also match '\(path)', which is no linear layer; only linear layers and the embedding can be adapted"
      )
    }
    guard !chosen.isEmpty else { throw rules.nothingSelected(paths: paths) }

    var ranks = try PatternRules(configuration.rankPattern)
    var alphas = try PatternRules(configuration.alphaPattern)
    var targets: [Target] = []
    for index in chosen {
      let rank = try ranks.value(for: paths[index]) ?? configuration.rank
      let alpha = try alphas.value(for: paths[index]) ?? configuration.alpha
      targets.append(
        Target(
          slot: index, path: paths[index], rank: rank, alpha: alpha,
          scale: configuration.scale(rank: rank, alpha: alpha)))
    }
    self.targets = targets
    self.saved = saved.slots
    unused = rules.unused + saved.unused + ranks.unused + alphas.unused
    try check(configuration, slots: slots)
  }
}

extension TargetSelection {
  /// Refuses what PEFT refuses of updates of an embedding, and what is not built.
  private func check(_ configuration: LoRAConfiguration, slots: SlotTable) throws(AdapterError) {
    guard let target = targets.first(where: { slots.slots[$0.slot].kind == .embedding }) else {
      return
    }
    guard !configuration.usesLoRABias else {
      throw AdapterError(
        .unsupported,
        "lora_bias does not go with '\(target.path)', an embedding; PEFT refuses it too")
    }
    guard !(configuration.ensuresTying && slots.tiesHead) else {
      throw AdapterError(
        .unsupported,
        """
        ensure_weight_tying with an update of '\(target.path)' is not supported where the base ties its head to it; \
        only with modules_to_save
        """)
    }
  }
}

/// The rules of a `rank_pattern` or `alpha_pattern`, ready to be asked.
struct PatternRules<Value: Sendable & Equatable> {
  private var rules: [(pattern: PathPattern, source: String, value: Value, isUsed: Bool)] = []
  private var budget = PathPattern.stepsPerSelection

  init(_ rules: [ModuleRule<Value>]) throws(AdapterError) {
    guard rules.count <= 20_000 else {
      throw AdapterError(.badConfiguration, "a pattern with \(rules.count) rules is too large")
    }
    for rule in rules {
      // PEFT's `get_pattern_key`: the pattern has to match from a dot, or the start, to the end.
      let pattern = try PathPattern("(.*\\.)?(\(rule.pattern))$")
      self.rules.append((pattern, rule.pattern, rule.value, false))
    }
  }

  /// The value of the first rule that matches `path`.
  mutating func value(for path: String) throws(AdapterError) -> Value? {
    for index in rules.indices {
      // Nearly all patterns are plain paths: decided without the matcher, for thousands of rules.
      let matches =
        if let plain = PatternRules.plainMatch(rules[index].source, path) {
          plain
        } else { try rules[index].pattern.matches(path, budget: &budget) }
      guard matches else { continue }
      rules[index].isUsed = true
      return rules[index].value
    }
    return nil
  }

  var unused: [String] { rules.filter { !$0.isUsed }.map(\.source) }

  /// What matching gives where `pattern` is only letters, digits, underscores and dots; nil elsewhere.
  private static func plainMatch(_ pattern: String, _ path: String) -> Bool? {
    let wanted = Array(pattern.utf8)
    let dot = UInt8(ascii: ".")
    for byte in wanted {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), dot:
        continue
      default: return nil
      }
    }
    let bytes = Array(path.utf8)
    guard bytes.allSatisfy({ $0 < 128 && $0 != 10 }) else { return nil }
    guard bytes.count >= wanted.count else { return false }
    let start = bytes.count - wanted.count
    return (start == 0 || bytes[start - 1] == dot)
      && zip(wanted, bytes[start...]).allSatisfy { $0 == $1 || $0 == dot }
  }
}
