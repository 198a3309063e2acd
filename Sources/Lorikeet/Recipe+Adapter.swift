import Adapters
import Training

extension Recipe {
  /// The adapter's configuration, as PEFT would write it.
  var adapterConfiguration: LoRAConfiguration {
    LoRAConfiguration(
      rank: rank, alpha: alpha, targets: targetModules, usesRSLoRA: method == .rslora,
      dropout: dropout, rankPattern: rankPattern.map { ModuleRule($0.pattern, $0.value) },
      alphaPattern: alphaPattern.map { ModuleRule($0.pattern, $0.value) },
      excluded: excludedModules, layers: layers.map { .many($0) },
      initialisation: initialisation == .gaussian ? .gaussian : .kaiming,
      notes: PEFTNotes(baseModel: base))
  }

  private var targetModules: TargetModules {
    switch targets {
    case .allLinear: .allLinear
    case .names(let names): .names(names)
    case .pattern(let pattern): .pattern(pattern)
    }
  }

  private var excludedModules: ModuleChoice? {
    switch excluded {
    case .names(let names)?: .names(names)
    case .pattern(let pattern)?: .pattern(pattern)
    case .allLinear?, nil: nil
    }
  }
}
