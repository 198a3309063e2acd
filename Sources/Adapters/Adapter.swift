public import Digests
public import Foundation
public import Models
import Tensors

/// An adapter: an immutable set of updates for one base, low-rank ones and, beside them, whole biases and weights.
///
/// It exists only where it fits: every update is at a layer of the base that the configuration selects, with the
/// rank, scale and shapes that follow from it, every selected layer has one, and all weights are finite.
public struct Adapter: Sendable {
  /// Which layers, ranks and scales.
  public let configuration: LoRAConfiguration
  /// The base that it was made for.
  public let baseFingerprint: Digest
  /// How prompts are made, as canonical JSON; not read here.
  public let promptContract: Data
  /// The layers of the base.
  public let slots: SlotTable
  /// Everything that it does to the base.
  public let updates: AdapterUpdates
  /// SHA-256 over everything that changes what the adapter does: see `computeDigest`.
  public let digest: Digest
  /// How the weights were stored where they came from, for writing them back alike.
  let storage: WeightStorage

  /// An adapter of low-rank updates alone, whose matrices must not be written to afterwards.
  /// - Parameters:
  ///   - isStart: Whether this is where training starts: an adapter that changes nothing yet is welcome.
  ///   - knownDigest: The digest where it is known already: the weights are not read once more for it.
  /// - Throws: `AdapterError` where the parts do not fit each other, or a weight is not finite.
  public init(
    configuration: LoRAConfiguration, baseFingerprint: Digest, promptContract: Data = Data(),
    slots: SlotTable, deltas: [Int: LowRank], isStart: Bool = false, knownDigest: Digest? = nil
  ) throws(AdapterError) {
    try self.init(
      configuration: configuration, baseFingerprint: baseFingerprint,
      promptContract: promptContract, slots: slots, updates: AdapterUpdates(lowRank: deltas),
      isStart: isStart, knownDigest: knownDigest)
  }

  /// An adapter of `updates`.
  /// - Parameters:
  ///   - isStart: Whether this is where training starts: an adapter that changes nothing yet is welcome.
  ///   - knownDigest: The digest where it is known already: the weights are not read once more for it.
  /// - Throws: `AdapterError` where the parts do not fit each other, or a weight is not finite.
  public init(
    configuration: LoRAConfiguration, baseFingerprint: Digest, promptContract: Data = Data(),
    slots: SlotTable, updates: AdapterUpdates, isStart: Bool = false, knownDigest: Digest? = nil
  ) throws(AdapterError) {
    try self.init(
      configuration: configuration, baseFingerprint: baseFingerprint,
      promptContract: promptContract, slots: slots, updates: updates, isStart: isStart,
      knownDigest: knownDigest, storage: WeightStorage())
  }

  init(
    configuration: LoRAConfiguration, baseFingerprint: Digest, promptContract: Data,
    slots: SlotTable, updates: AdapterUpdates, isStart: Bool, knownDigest: Digest?,
    storage: WeightStorage
  ) throws(AdapterError) {
    let selection = try TargetSelection(configuration, slots: slots)
    try Adapter.check(updates, against: selection, configuration: configuration, slots: slots)
    try Adapter.checkWeights(updates, slots: slots, isStart: isStart)
    let tied = try updates.tied(
      selection: selection, ensuresTying: configuration.ensuresTying, slots: slots)
    self.configuration = configuration
    self.baseFingerprint = baseFingerprint
    self.promptContract = promptContract
    self.slots = slots
    self.updates = tied
    self.storage = storage
    digest =
      knownDigest
      ?? Adapter.computeDigest(
        baseFingerprint: baseFingerprint, promptContract: promptContract, slots: slots,
        updates: tied)
  }

  /// The low-rank updates by index of the layer in `slots`.
  public var deltas: [Int: LowRank] { updates.lowRank }
  /// The indices of the adapted layers, lowest first.
  public var adaptedSlots: [Int] { updates.slots }
  /// Values in all updates.
  public var parameterCount: Int { updates.parameterCount }
}
