import Models

/// Whether PEFT's `check_target_module_exists` would take a module, for one configuration and one model.
struct SelectionRules {
  private let slots: SlotTable
  private let names: Set<String>
  private let pattern: PathPattern?
  private let takesAllLinear: Bool
  private let excludedNames: Set<String>
  private let excludedPattern: PathPattern?
  private let saved: Set<String>
  private let layers: Set<Int>?
  private let layersPrefixes: [String]
  private let named: [String]
  private var used: Set<String> = []
  private var wasExcluded = false
  private var budget = PathPattern.stepsPerSelection
  /// The targets, for messages.
  let described: String

  /// PEFT's default for the Llama, Mistral, Qwen2 and Qwen3 families (`utils/constants.py`).
  static let architectureDefault = ["q_proj", "v_proj"]

  /// - Parameter saved: The paths of the modules that were trained whole.
  init(
    _ configuration: LoRAConfiguration, slots: SlotTable, saved: Set<String>
  ) throws(AdapterError) {
    self.slots = slots
    self.saved = saved
    takesAllLinear = configuration.targets == .allLinear
    switch configuration.targets {
    case .architectureDefault: named = SelectionRules.architectureDefault
    case .names(let list): named = list
    case .allLinear, .pattern: named = []
    }
    if case .pattern(let source) = configuration.targets {
      pattern = try PathPattern(source)
      described = "'\(shortened(source))'"
    } else {
      pattern = nil
      described = takesAllLinear ? "all-linear" : shortened(named.joined(separator: ", "))
    }
    names = Set(SelectionRules.effective(named, slots: slots))
    switch configuration.excluded {
    case .names(let list): (excludedNames, excludedPattern) = (Set(list), nil)
    case .pattern(let source):
      // PEFT takes an empty pattern for none.
      (excludedNames, excludedPattern) = ([], source.isEmpty ? nil : try PathPattern(source))
    case nil: (excludedNames, excludedPattern) = ([], nil)
    }
    let numbers = configuration.layers
    layers = numbers == nil || numbers == .many([]) ? nil : Set(numbers?.values ?? [])
    layersPrefixes = try (configuration.layersPattern?.values ?? []).filter { !$0.isEmpty }
      .map(SelectionRules.plainPrefix)
  }

  /// PEFT shortens a list of 20 names or more to suffixes, which then fall under `layers_to_transform`.
  static func effective(_ names: [String], slots: SlotTable) -> [String] {
    let unique = Set(names)
    guard unique.count >= 20, !unique.contains("") else { return names }
    let paths = slots.slots.map(\.path) + slots.otherModules
    let shorter = condensed(names, apartFrom: paths.filter { match($0, unique) == nil })
    return shorter.count < unique.count ? shorter : names
  }

  /// What PEFT makes of `all-linear`.
  static func allLinear(_ slots: SlotTable) -> [String] {
    effective(slots.slots.filter { $0.kind == .linear }.map(\.path).sorted(), slots: slots)
  }

  private static func plainPrefix(_ pattern: String) throws(AdapterError) -> String {
    let plain = pattern.replacing("\\.", with: ".")
    guard plain.unicodeScalars.allSatisfy({ ScalarClass.isWord($0) || $0 == "." || $0 == "-" })
    else {
      throw AdapterError(
        .unsupported,
        "layers_pattern '\(shortened(pattern))': only the plain name of a list of blocks is supported"
      )
    }
    return plain
  }

  /// The name that is `path`, or that `path` ends in after a dot; the longest where several are.
  private static func match(_ path: String, _ names: Set<String>) -> String? {
    if names.contains(path) { return path }
    var rest = path[...]
    while let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if names.contains(String(rest)) { return String(rest) }
    }
    return nil
  }

  /// Whether the module at `path` is a target.
  mutating func select(_ path: String, isLayer: Bool) throws(AdapterError) -> Bool {
    if let excludedPattern, try excludedPattern.matches(path, budget: &budget) {
      wasExcluded = wasExcluded || isLayer
      return false
    }
    if SelectionRules.match(path, excludedNames) != nil {
      wasExcluded = wasExcluded || isLayer
      return false
    }
    if saved.contains(path) { return false }  // trained whole, so never by low rank too
    if takesAllLinear {
      guard let index = slots.index(of: path) else { return false }
      return slots.slots[index].kind == .linear
    }
    if let pattern { return try pattern.matches(path, budget: &budget) }
    guard let name = SelectionRules.match(path, names) else { return false }
    used.insert(name)
    if name == path || layers == nil { return true }  // a whole path is taken in any block
    guard let layer = blockNumber(of: path) else { return false }
    return layers?.contains(layer) ?? true
  }

  /// Names that no module has.
  var unused: [String] {
    names.count < Set(named).count ? [] : named.filter { !used.contains($0) }
  }

  /// The number that `layers_to_transform` speaks of.
  private func blockNumber(of path: String) -> Int? {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false)
    guard !layersPrefixes.isEmpty else {
      // `.*?\.[^.]*\.(\d+)\.`: the first number that two names precede and one follows.
      return parts.indices.dropFirst(2).dropLast().lazy.compactMap { number(parts[$0]) }.first
    }
    for prefix in layersPrefixes {
      for start in parts.indices {
        let rest = parts[start...].joined(separator: ".")
        guard rest.hasPrefix(prefix + ".") else { continue }
        let after = rest.dropFirst(prefix.count + 1).split(
          separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if after.count == 2, let number = number(after[0]) { return number }
      }
    }
    return nil
  }

  private func number(_ text: Substring) -> Int? {
    text.isEmpty || !text.utf8.allSatisfy({ (48...57).contains($0) }) ? nil : Int(text)
  }

  /// The error for a configuration that no layer answers to.
  func nothingSelected(paths: [String]) -> AdapterError {
    let endings = Set(paths.compactMap { $0.split(separator: ".").last.map(String.init) }).sorted()
    var message = "the target modules \(described) select no layer of the base"
    if wasExcluded { message += "; every match is excluded" }
    if let layers, !used.isEmpty {
      let list = layers.sorted().map(String.init).joined(separator: ", ")
      message += "; none is in the blocks \(shortened(list)) of layers_to_transform"
    } else if used.isEmpty {
      for name in named.prefix(3) {
        message += suggestion(for: name, in: name.contains(".") ? paths : endings)
      }
      message +=
        "; its layers are named \(endings.joined(separator: ", ")), for example '\(paths.first ?? "")'"
    }
    return AdapterError(.nothingSelected, message)
  }
}
