import JSON
public import Models
import Tensors

extension TargetSelection {
  /// The updates that training starts from: A random, B zero, as PEFT has it.
  ///
  /// One generator, seeded with `seed`, fills the A of each target in the order of the slots, row by row:
  /// - `kaiming`: `(2u - 1) / sqrt(in)` with u from `uniform()`, which is `kaiming_uniform_(a = sqrt(5))`,
  /// - `gaussian`: `n / r` with n from `normal()`.
  /// - Throws: `AdapterError` for an initialisation that is only known from files, and for what is only read and run.
  public func initialDeltas(
    slots: SlotTable, initialisation: LoRAInitialisation = .kaiming, seed: UInt64
  ) throws(AdapterError) -> [Int: LowRank] {
    if case .foreign(let value) = initialisation {
      throw AdapterError(
        .unsupported,
        "training cannot start with init_lora_weights \(value.text()); use true or \"gaussian\"")
    }
    for target in targets where slots.slots[target.slot].kind == .embedding {
      throw AdapterError(
        .unsupported,
        "only linear layers can be trained; the target modules also select '\(target.path)', the embedding"
      )
    }
    var generator = SplitMix64(seed: seed)
    var deltas: [Int: LowRank] = [:]
    for target in targets {
      let slot = slots.slots[target.slot]
      let root = Float(slot.inputSize).squareRoot()
      let values = (0..<target.rank * slot.inputSize).map { _ in
        initialisation == .gaussian
          ? generator.normal() / Float(target.rank) : (generator.uniform() * 2 - 1) / root
      }
      deltas[target.slot] = LowRank(
        a: Matrix(rows: target.rank, columns: slot.inputSize, values),
        b: Matrix(repeating: 0, rows: slot.outputSize, columns: target.rank), scale: target.scale)
    }
    return deltas
  }
}
