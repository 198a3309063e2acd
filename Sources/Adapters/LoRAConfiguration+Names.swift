public import Models

extension LoRAConfiguration {
  /// The same selection with the targets spelled as PEFT saves them: `all-linear`, and what PEFT takes when nothing
  /// is said, become names.
  public func named(for slots: SlotTable) -> LoRAConfiguration {
    var named = self
    switch targets {
    case .architectureDefault: named.targets = .names(SelectionRules.architectureDefault)
    case .allLinear: named.targets = .names(SelectionRules.allLinear(slots))
    case .names, .pattern: break  // as they came, so that what was imported is exported alike
    }
    return named
  }

  /// The configuration that selects the same once it has been written to a file and read again.
  ///
  /// A file holds patterns sorted, and the first that matches wins: where that would change a rank or an alpha, each
  /// layer gets a rule of its own.
  public func portable(for slots: SlotTable) throws(AdapterError) -> LoRAConfiguration {
    let wanted = try TargetSelection(self, slots: slots).targets
    var portable = named(for: slots)
    portable.rankPattern = LoRAConfiguration.sorted(rankPattern)
    portable.alphaPattern = LoRAConfiguration.sorted(alphaPattern)
    if try TargetSelection(portable, slots: slots).targets == wanted { return portable }
    func rule<Value>(_ path: String, _ value: Value) -> ModuleRule<Value> {
      ModuleRule(path.replacing(".", with: "\\."), value)
    }
    portable.rankPattern = wanted.filter { $0.rank != rank }.map { rule($0.path, $0.rank) }
    portable.alphaPattern = wanted.filter { $0.alpha != alpha }.map { rule($0.path, $0.alpha) }
    return portable
  }

  /// The rules as a file's object gives them back: sorted, and of equal patterns the last.
  private static func sorted<Value>(_ rules: [ModuleRule<Value>]) -> [ModuleRule<Value>] {
    let last = Dictionary(rules.map { ($0.pattern, $0) }, uniquingKeysWith: { $1 })
    return last.values.sorted { $0.pattern.utf8.lexicographicallyPrecedes($1.pattern.utf8) }
  }
}
