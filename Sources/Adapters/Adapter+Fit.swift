import Models
import Tensors

extension Adapter {
  /// Refuses updates that are not exactly those that `selection` asks for.
  static func check(
    _ updates: AdapterUpdates, against selection: TargetSelection,
    configuration: LoRAConfiguration, slots: SlotTable
  ) throws(AdapterError) {
    var rest = updates.lowRank
    for target in selection.targets {
      guard let delta = rest.removeValue(forKey: target.slot) else {
        throw AdapterError(
          .missingTensor,
          "the configuration adapts '\(target.path)', but there are no weights for it")
      }
      try check(delta, target, hasBias: configuration.usesLoRABias, at: slots.slots[target.slot])
    }
    if let index = rest.keys.min() { throw unasked(index, slots) }
    let plan = TensorPlan(configuration, selection: selection, slots: slots)
    for part in [TensorPlace.Part.bias, .weight] {
      try check(part, of: updates, against: plan, slots: slots)
    }
  }

  private static func check(
    _ delta: LowRank, _ target: TargetSelection.Target, hasBias: Bool, at slot: SlotInfo
  ) throws(AdapterError) {
    let (a, b) = (delta.a, delta.b)
    guard a.rows > 0, a.columns == slot.inputSize, b.rows == slot.outputSize, b.columns == a.rows
    else {
      throw AdapterError(
        .badShape,
        """
        '\(slot.path)': A is \(a.rows) x \(a.columns) and B is \(b.rows) x \(b.columns), where the base needs \
        r x \(slot.inputSize) and \(slot.outputSize) x r; the adapter was made for another base
        """)
    }
    guard delta.rank == target.rank else {
      throw AdapterError(
        .badShape,
        "'\(target.path)' has rank \(delta.rank) where the configuration says \(target.rank)")
    }
    guard delta.scale == target.scale else {
      throw AdapterError(
        .badConfiguration,
        "'\(target.path)' has scale \(delta.scale) where the configuration says \(target.scale)")
    }
    guard delta.bias?.count ?? slot.outputSize == slot.outputSize,
      (delta.bias != nil) == hasBias
    else {
      throw AdapterError(
        .badConfiguration, "'\(target.path)': B's bias does not fit the configuration's lora_bias")
    }
  }

  /// Refuses whole biases or weights that `plan` has no place for, that it needs and misses, or that are misshapen.
  private static func check(
    _ part: TensorPlace.Part, of updates: AdapterUpdates, against plan: TensorPlan, slots: SlotTable
  ) throws(AdapterError) {
    var rest = part == .bias ? updates.biases : updates.weights
    for place in plan.places where place.part == part {
      let path = slots.slots[place.slot].path
      guard let matrix = rest.removeValue(forKey: place.slot) else {
        guard place.isRequired else { continue }
        throw AdapterError(
          .missingTensor, "the configuration \(part.verb) '\(path)', but there is no value for it")
      }
      let shape = place.shape.count == 1 ? [1] + place.shape : place.shape
      guard [matrix.rows, matrix.columns] == shape else {
        throw AdapterError(
          .badShape,
          "'\(path)': the \(part) is \(matrix.rows) x \(matrix.columns) where the base needs \(shape[0]) x \(shape[1])"
        )
      }
    }
    if let index = rest.keys.min() { throw unasked(index, slots) }
  }

  private static func unasked(_ index: Int, _ slots: SlotTable) -> AdapterError {
    let path = slots.slots.indices.contains(index) ? slots.slots[index].path : "layer \(index)"
    return AdapterError(
      .unknownTensor, "there are weights for '\(path)', which the configuration does not adapt")
  }

  /// Refuses weights that are not finite and, unless `isStart`, an adapter that changes nothing.
  ///
  /// Whether a whole weight or bias differs from the base's cannot be seen here; `coverage` tells it.
  static func checkWeights(
    _ updates: AdapterUpdates, slots: SlotTable, isStart: Bool
  ) throws(AdapterError) {
    var hasEffect = !updates.weights.isEmpty || !updates.biases.isEmpty
    for index in updates.slots {
      WorkGate.pass()
      let path = slots.slots[index].path
      if let delta = updates.lowRank[index] {
        let a = try largestBits(of: delta.a, "'\(path)' A")
        let b = try largestBits(of: delta.b, "'\(path)' B")
        let bias = try delta.bias.map { bias throws(AdapterError) in
          try largestBits(of: bias, "'\(path)' bias of B")
        }
        hasEffect = hasEffect || (delta.scale != 0 && ((a != 0 && b != 0) || (bias ?? 0) != 0))
      }
      if let weight = updates.weights[index] { _ = try largestBits(of: weight, "'\(path)' weight") }
      if let bias = updates.biases[index] { _ = try largestBits(of: bias, "'\(path)' bias") }
    }
    guard hasEffect || isStart else {
      throw AdapterError(
        .noEffect,
        "the adapter would change nothing: in each of its \(updates.lowRank.count) layers A or B is zero"
      )
    }
  }

  /// The bits of the largest magnitude in `matrix`: 0 for zeros, refused where it is not finite.
  private static func largestBits(
    of matrix: Matrix, _ name: @autoclosure () -> String
  ) throws(AdapterError) -> UInt32 {
    let largest = matrix.largestBits
    guard largest >= Float.infinity.bitPattern, let place = matrix.firstNotFinite else {
      return largest
    }
    throw AdapterError(
      .notFinite,
      """
      \(name()) holds \(matrix.values[place]) at row \(place / matrix.columns), column \(place % matrix.columns): \
      weights must be finite
      """)
  }
}
