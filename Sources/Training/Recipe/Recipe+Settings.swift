public import Adapters

/// What the parts of a run take from a recipe.
extension Recipe {
  /// Refuses a recipe whose values contradict each other.
  public func check() throws(TrainingError) {
    func refuse(_ reason: String) -> TrainingError { TrainingError(.badRecipe, reason) }
    guard Recipe.isName(name) else {
      throw refuse(
        name.isEmpty
          ? "the recipe has no name"
          : name == "base"
            ? "'base' means the base without an adapter; choose another name"
            : "'\(name)' is no name; use lower-case letters, digits, '.', '_' and '-', and one '/'")
    }
    guard train != nil else {
      throw refuse("the recipe names no data to learn from ('data.train', --data)")
    }
    guard (prompt == nil) == (completion == nil) else {
      throw refuse(
        "'data.prompt' and 'data.completion' are templates of one row; give both or neither")
    }
    if layers != nil {
      guard case .names = targets else {
        throw refuse("'layers' only goes with 'targets' given as names")
      }
    }
    guard evalEvery == nil || eval != nil else {
      throw refuse("'evaluation.every' needs data to evaluate on ('data.eval', --eval)")
    }
    guard evalEvery != nil || (patience == nil && !keepBest) else {
      throw refuse(
        "'evaluation.patience' and 'evaluation.keepBest' need 'evaluation.every' (--eval-every)")
    }
  }

  /// A file that the recipe names, looked for in the recipe's folder.
  public func path(of file: String) -> String {
    guard let folder, !file.hasPrefix("/") else { return file }
    return folder.hasSuffix("/") ? folder + file : folder + "/" + file
  }

  /// The terms of the base's own files as far as the recipe leaves them: it may fix the style and the system.
  public func contract(of base: PromptContract) throws(TrainingError) -> PromptContract {
    var contract = base
    contract.system = system
    switch style {
    case nil: break
    case .plain:
      contract.style = .plain
      contract.chatTemplate = nil
    case .chat:
      guard base.chatTemplate != nil else {
        throw TrainingError(
          .badRecipe, "'style' asks for a chat template, and the base has none")
      }
      contract.style = .chat
    }
    return contract
  }

  /// How the file to learn from is read.
  public var trainingOptions: Dataset.Options {
    Dataset.Options(format: format, prompt: prompt, completion: completion, limit: limit)
  }

  /// How the file to evaluate on is read.
  public var evaluationOptions: Dataset.Options {
    Dataset.Options(format: format, prompt: prompt, completion: completion, limit: evalLimit)
  }

  /// How rows are cut and marked.
  public var encoderOptions: SequenceEncoder.Options {
    SequenceEncoder.Options(
      scope: loss, maximumLength: maximumLength, truncation: truncation)
  }

  /// The order of a run over sequences of `lengths` tokens.
  /// - Throws: `TrainingError`, also where the run would end before its warm-up and learn next to nothing.
  public func batchPlan(lengths: [Int]) throws(TrainingError) -> BatchPlan {
    let plan = try BatchPlan(
      lengths: lengths, size: batch, accumulate: accumulate, extent: extent, shuffle: shuffle,
      seed: UInt64(seed))
    guard let warmup, warmup > 0 else { return plan }
    let steps = plan.countSteps()
    guard warmup < steps else {
      throw TrainingError(
        .badRecipe,
        "the run has \(steps) steps, and its warm-up of \(warmup) ends after them, so the learning rate"
          + " never gets to \(rate); give a shorter 'schedule.warmup' (--warmup) or more steps")
    }
    return plan
  }

  /// The learning rate of each step of a run of `totalSteps`.
  public func learningRate(totalSteps: Int) -> LearningRate {
    LearningRate(
      peak: rate, schedule: schedule, warmupSteps: warmup ?? min(10, totalSteps / 10),
      totalSteps: totalSteps)
  }

  /// What a training step needs to know.
  public var trainerSettings: TrainerSettings {
    var settings = TrainerSettings()
    settings.beta1 = Float(beta1)
    settings.beta2 = Float(beta2)
    settings.epsilon = Float(epsilon)
    settings.weightDecay = Float(weightDecay)
    settings.clip = clip > 0 ? Float(clip) : nil
    settings.rateRatioB = Float(rateRatioB)
    settings.dropout = Float(dropout)
    settings.seed = UInt64(seed)
    settings.recomputesBlocks = recompute
    return settings
  }

  /// When to evaluate and to keep the state.
  public var rhythm: TrainingRun.Rhythm {
    var rhythm = TrainingRun.Rhythm()
    rhythm.evaluateEvery = evalEvery
    rhythm.patience = patience
    rhythm.keepsBest = keepBest
    rhythm.checkpointEvery = checkpointEvery
    return rhythm
  }

  /// How the updates are laid over the base.
  public var loraConfiguration: LoRAConfiguration {
    LoRAConfiguration(
      rank: rank, alpha: alpha, targets: targets.asTargets, usesRSLoRA: method == .rslora,
      dropout: dropout, rankPattern: rankPattern, alphaPattern: alphaPattern,
      excluded: excluded?.asChoice, layers: layers.map { .many($0) },
      initialisation: initialisation == .gaussian ? .gaussian : .kaiming,
      notes: PEFTNotes(baseModel: base))
  }
}

extension Recipe.Modules {
  fileprivate var asTargets: TargetModules {
    switch self {
    case .allLinear: .allLinear
    case .names(let names): .names(names)
    case .pattern(let pattern): .pattern(pattern)
    }
  }

  /// Nil for all layers: a recipe cannot exclude them all.
  fileprivate var asChoice: ModuleChoice? {
    switch self {
    case .allLinear: nil
    case .names(let names): .names(names)
    case .pattern(let pattern): .pattern(pattern)
    }
  }
}
