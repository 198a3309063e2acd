import Models

/// A tensor of PEFT's file and the part of a layer's update that it is.
struct TensorPlace: Sendable {
  /// The part.
  enum Part: Sendable, Hashable {
    /// The factors of a low-rank update.
    case a, b
    /// The bias of B.
    case addedBias
    /// What stands in place of the base's own bias or weight.
    case bias, weight
  }

  /// The name in the file.
  let name: String
  /// The layer's index in the slot table.
  let slot: Int
  let part: Part
  /// The shape that the base and the configuration need.
  let shape: [Int]
  /// Whether an adapter lacks something without it.
  let isRequired: Bool
}

/// Every tensor that an adapter's file may hold, by its configuration: what is not here has no place.
struct TensorPlan {
  let places: [TensorPlace]

  init(_ configuration: LoRAConfiguration, selection: TargetSelection, slots: SlotTable) {
    let adapted = Set(selection.targets.map(\.slot))
    let saved = Set(selection.saved)
    var places = selection.targets.flatMap { target in
      TensorPlan.factors(
        target, slot: slots.slots[target.slot], hasBias: configuration.usesLoRABias)
    }
    for (index, slot) in slots.slots.enumerated() {
      // PEFT keeps what it wraps under `base_layer`.
      let own = PEFTName.prefix + slot.path + (adapted.contains(index) ? ".base_layer" : "")
      let isTrained =
        switch configuration.trainedBiases {
        case .none: false
        case .all: slot.hasBias
        case .adapted: slot.hasBias && adapted.contains(index)
        }
      if isTrained {
        places.append(
          TensorPlace(
            name: own + ".bias", slot: index, part: .bias, shape: [slot.outputSize],
            isRequired: true))
      }
      if slot.kind != .linear {
        places.append(
          TensorPlace(
            name: own + ".weight", slot: index, part: .weight, shape: slot.weightShape,
            isRequired: saved.contains(index)))
      }
    }
    self.places = places
  }

  private static func factors(
    _ target: TargetSelection.Target, slot: SlotInfo, hasBias: Bool
  ) -> [TensorPlace] {
    let isEmbedding = slot.kind == .embedding
    func place(_ part: TensorPlace.Part, _ ending: String, _ shape: [Int]) -> TensorPlace {
      TensorPlace(
        name: PEFTName.prefix + target.path + ending, slot: target.slot, part: part, shape: shape,
        isRequired: true)
    }
    let factors = [
      place(
        .a, isEmbedding ? ".lora_embedding_A" : ".lora_A.weight", [target.rank, slot.inputSize]),
      place(
        .b, isEmbedding ? ".lora_embedding_B" : ".lora_B.weight", [slot.outputSize, target.rank]),
    ]
    return factors + (hasBias ? [place(.addedBias, ".lora_B.bias", [slot.outputSize])] : [])
  }
}
