import Checkpoints
public import Digests
public import Foundation
public import Models
public import Tensors

extension Adapter {
  /// The weights as the bytes of PEFT's `adapter_model.safetensors`: exactly those that the safetensors library writes.
  public func weightsFile() -> [UInt8] {
    let tensors = deltas.flatMap { index, delta in
      let path = slots.slots[index].path
      return [
        storage.tensor(PEFTName.name(path, .a), delta.a),
        storage.tensor(PEFTName.name(path, .b), delta.b),
      ]
    }
    return SafetensorsFile.write(tensors, metadata: ["format": "pt"])
  }

  /// Reads the bytes of an `adapter_model.safetensors`; float32 values are shared with `weights`, not copied.
  /// - Parameters:
  ///   - isStart: Whether an adapter that changes nothing yet is welcome.
  ///   - knownDigest: The adapter's digest where `weights` have been checked already.
  /// - Throws: `AdapterError` where a tensor has no place, a factor is missing, or anything does not fit.
  public static func read(
    weights: Bytes, configuration: LoRAConfiguration, baseFingerprint: Digest,
    promptContract: Data = Data(), slots: SlotTable, isStart: Bool = false,
    knownDigest: Digest? = nil
  ) throws(AdapterError) -> Adapter {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(parsing: weights) } catch {
      throw AdapterError(.badFile, "the adapter's weights: \(error.description)")
    }
    let selection = try TargetSelection(configuration, slots: slots)
    let parts = try factors(of: file, slots: slots, selection: selection)
    var storage = WeightStorage()
    for tensor in file.tensors { storage.note(tensor) }
    var deltas: [Int: LowRank] = [:]
    for target in selection.targets {
      deltas[target.slot] = try delta(target, parts[target.slot], slot: slots.slots[target.slot])
    }
    return try Adapter(
      configuration: configuration, baseFingerprint: baseFingerprint,
      promptContract: promptContract, slots: slots, deltas: deltas, isStart: isStart,
      knownDigest: knownDigest, storage: storage)
  }

  /// Gives every tensor of `file` to its layer, and refuses one that has none.
  private static func factors(
    of file: SafetensorsFile, slots: SlotTable, selection: TargetSelection
  ) throws(AdapterError) -> [Int: [Factor: StoredTensor]] {
    let selected = Set(selection.targets.map(\.slot))
    var parts: [Int: [Factor: StoredTensor]] = [:]
    for tensor in file.tensors {
      guard let (path, factor) = PEFTName.parse(tensor.name), let slot = slots.index(of: path)
      else {
        let expected = selection.targets.flatMap { target in
          Factor.allCases.map { PEFTName.name(target.path, $0) }
        }
        let reason = PEFTName.reason(tensor.name).map { ": " + $0 }
        throw AdapterError(
          .unknownTensor,
          "the tensor '\(shortened(tensor.name))' has no place in the base"
            + (reason ?? suggestion(for: tensor.name, in: expected)))
      }
      guard selected.contains(slot) else {
        throw AdapterError(
          .unknownTensor,
          """
          the tensor '\(shortened(tensor.name))' is for a layer that the configuration does not adapt: PEFT would \
          ignore it; correct target_modules, exclude_modules or layers_to_transform
          """)
      }
      parts[slot, default: [:]][factor] = tensor
    }
    return parts
  }

  private static func delta(
    _ target: TargetSelection.Target, _ parts: [Factor: StoredTensor]?, slot: SlotInfo
  ) throws(AdapterError) -> LowRank {
    func matrix(
      _ factor: Factor, rows: Int, columns: Int
    ) throws(AdapterError) -> Matrix {
      guard let tensor = parts?[factor] else {
        throw AdapterError(
          .missingTensor,
          "the tensor '\(PEFTName.name(target.path, factor))' is missing, but the configuration adapts this layer"
        )
      }
      guard tensor.shape == [rows, columns] else {
        throw AdapterError(
          .badShape,
          "the tensor '\(tensor.name)' has shape \(tensor.shape) where the base and the rank need [\(rows), \(columns)]"
        )
      }
      return tensor.matrix(rows: rows, columns: columns)
    }
    return LowRank(
      a: try matrix(.a, rows: target.rank, columns: slot.inputSize),
      b: try matrix(.b, rows: slot.outputSize, columns: target.rank), scale: target.scale)
  }
}
