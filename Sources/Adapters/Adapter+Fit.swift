import Models
import Tensors

extension Adapter {
  /// Refuses updates that are not exactly those that `selection` asks for.
  static func check(
    _ deltas: [Int: LowRank], against selection: TargetSelection, slots: SlotTable
  ) throws(AdapterError) {
    var rest = deltas
    for target in selection.targets {
      guard let delta = rest.removeValue(forKey: target.slot) else {
        throw AdapterError(
          .missingTensor,
          "the configuration adapts '\(target.path)', but there are no weights for it")
      }
      try check(delta, at: slots.slots[target.slot])
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
    }
    if let index = rest.keys.min() {
      let path = slots.slots.indices.contains(index) ? slots.slots[index].path : "layer \(index)"
      throw AdapterError(
        .unknownTensor, "there are weights for '\(path)', which the configuration does not adapt")
    }
  }

  private static func check(_ delta: LowRank, at slot: SlotInfo) throws(AdapterError) {
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
  }

  /// Refuses weights that are not finite and, unless `isStart`, an adapter that changes nothing.
  static func checkWeights(
    _ deltas: [Int: LowRank], slots: SlotTable, isStart: Bool
  ) throws(AdapterError) {
    var hasEffect = false
    for (index, delta) in deltas.sorted(by: { $0.key < $1.key }) {
      let path = slots.slots[index].path
      let a = try largestBits(of: delta.a, "'\(path)' A")
      let b = try largestBits(of: delta.b, "'\(path)' B")
      hasEffect = hasEffect || (a != 0 && b != 0 && delta.scale != 0)
    }
    guard hasEffect || isStart else {
      throw AdapterError(
        .noEffect,
        "the adapter would change nothing: in each of its \(deltas.count) layers A or B is zero")
    }
  }

  /// The bits of the largest magnitude in `matrix`: 0 for zeros, refused where it is not finite.
  private static func largestBits(
    of matrix: Matrix, _ name: @autoclosure () -> String
  ) throws(AdapterError) -> UInt32 {
    let infinity = Float.infinity.bitPattern
    var largest: UInt32 = 0
    unsafe matrix.bytes.withUnsafeBytes { raw in
      let words = unsafe raw.bindMemory(to: UInt32.self)
      // Magnitudes order as their bits do, and integers, unlike floats, reduce many at a time.
      for index in 0..<words.count { largest = max(largest, unsafe words[index] & 0x7FFF_FFFF) }
    }
    guard largest >= infinity else { return largest }
    let place = matrix.values.firstIndex { !$0.isFinite } ?? 0
    throw AdapterError(
      .notFinite,
      """
      \(name()) holds \(matrix.values[place]) at row \(place / matrix.columns), column \(place % matrix.columns): \
      weights must be finite
      """)
  }
}
