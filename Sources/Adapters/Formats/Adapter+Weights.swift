import Checkpoints
public import Digests
public import Foundation
public import Models
public import Tensors

extension Adapter {
  /// The weights as the bytes of PEFT's `adapter_model.safetensors`: exactly those that the safetensors library writes.
  /// - Throws: `AdapterError` where the configuration cannot be read over the base; never for an adapter that exists.
  public func weightsFile() throws(AdapterError) -> [UInt8] {
    let selection = try TargetSelection(configuration, slots: slots)
    let plan = TensorPlan(configuration, selection: selection, slots: slots)
    let tensors = plan.places.compactMap { place -> StoredTensor? in
      guard storage.holds(place.name), let matrix = updates[place.slot, place.part] else {
        return nil
      }
      return storage.tensor(place.name, matrix, shape: place.shape)
    }
    return SafetensorsFile.write(tensors, metadata: ["format": "pt"])
  }

  /// Reads the bytes of an `adapter_model.safetensors`; float32 values are shared with `weights`, not copied.
  /// - Parameters:
  ///   - isStart: Whether an adapter that changes nothing yet is welcome.
  ///   - knownDigest: The adapter's digest where `weights` have been checked already.
  /// - Throws: `AdapterError` where a tensor has no place, a part is missing, or anything does not fit.
  public static func read(
    weights: Bytes, configuration: LoRAConfiguration, baseFingerprint: Digest,
    promptContract: Data = Data(), slots: SlotTable, isStart: Bool = false,
    knownDigest: Digest? = nil
  ) throws(AdapterError) -> Adapter {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(parsing: weights) } catch {
      throw AdapterError(.badFile, "the adapter's weights: \(error.description)")
    }
    WorkGate.pass()
    let selection = try TargetSelection(configuration, slots: slots)
    let plan = TensorPlan(configuration, selection: selection, slots: slots)
    WorkGate.pass()
    let parts = try matrices(of: file, plan: plan, slots: slots)
    return try Adapter(
      configuration: configuration, baseFingerprint: baseFingerprint,
      promptContract: promptContract, slots: slots,
      updates: AdapterUpdates(parts, selection: selection), isStart: isStart,
      knownDigest: knownDigest, storage: WeightStorage(file.tensors))
  }

  /// Gives every tensor of `file` to its place, and refuses one that has none, and a place that needs one and has none.
  private static func matrices(
    of file: SafetensorsFile, plan: TensorPlan, slots: SlotTable
  ) throws(AdapterError) -> [Int: [TensorPlace.Part: Matrix]] {
    let places = Dictionary(
      plan.places.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var parts: [Int: [TensorPlace.Part: Matrix]] = [:]
    for tensor in file.tensors {
      guard let place = places[tensor.name] else {
        throw AdapterError(
          .unknownTensor,
          "the tensor '\(shortened(tensor.name))' has no place in the base"
            + (PEFTName.reason(tensor.name, slots: slots)
              ?? suggestion(for: tensor.name, in: plan.places.map(\.name))))
      }
      try check(tensor, place, slots.slots[place.slot])
      parts[place.slot, default: [:]][place.part] = tensor.matrix(
        rows: place.shape.count == 1 ? 1 : place.shape[0],
        columns: place.shape[place.shape.count - 1])
    }
    for place in plan.places where place.isRequired && parts[place.slot]?[place.part] == nil {
      throw AdapterError(
        .missingTensor,
        "the tensor '\(place.name)' is missing, but the configuration \(place.part.verb) this layer"
      )
    }
    return parts
  }

  private static func check(
    _ tensor: StoredTensor, _ place: TensorPlace, _ slot: SlotInfo
  ) throws(AdapterError) {
    guard tensor.shape != place.shape else { return }
    let other = place.shape.dropFirst()
    let isResized =
      slot.kind != .linear && place.part == .weight && tensor.shape.count == 2
      && tensor.shape.dropFirst() == other
    throw AdapterError(
      .badShape,
      "the tensor '\(tensor.name)' has shape \(tensor.shape) where the base and the configuration need \(place.shape)"
        + (isResized
          ? "; an adapter with a resized vocabulary needs a base with that vocabulary" : ""))
  }
}

extension TensorPlace.Part {
  /// What a configuration does to a layer that needs this part.
  var verb: String {
    switch self {
    case .a, .b: "adapts"
    case .addedBias: "adds a bias to"
    case .bias: "trains the bias of"
    case .weight: "saves"
    }
  }
}

extension AdapterUpdates {
  /// The updates that the parts of each slot make.
  init(_ parts: [Int: [TensorPlace.Part: Matrix]], selection: TargetSelection) {
    var lowRank: [Int: LowRank] = [:]
    for target in selection.targets {
      guard let part = parts[target.slot], let a = part[.a], let b = part[.b] else { continue }
      lowRank[target.slot] = LowRank(a: a, b: b, scale: target.scale, bias: part[.addedBias])
    }
    self.init(
      lowRank: lowRank, weights: parts.compactMapValues { $0[.weight] },
      biases: parts.compactMapValues { $0[.bias] })
  }

  /// One part of one slot.
  subscript(slot: Int, part: TensorPlace.Part) -> Matrix? {
    switch part {
    case .a: lowRank[slot]?.a
    case .b: lowRank[slot]?.b
    case .addedBias: lowRank[slot]?.bias
    case .bias: biases[slot]
    case .weight: weights[slot]
    }
  }
}
