public import Models

extension LoRAConfiguration {
  /// The same selection with the targets spelled as PEFT saves them: `all-linear`, and what PEFT takes when nothing
  /// is said, become names.
  public func named(for slots: SlotTable) -> LoRAConfiguration {
    var named = self
    switch targets {
    case .architectureDefault: named.targets = .names(SelectionRules.architectureDefault)
    case .allLinear: named.targets = .names(SelectionRules.allLinear(slots))
    case .names(let names): named.targets = .names(SelectionRules.effective(names, slots: slots))
    case .pattern: break
    }
    return named
  }
}
