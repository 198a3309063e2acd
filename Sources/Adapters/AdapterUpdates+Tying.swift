import Models
import Tensors

extension AdapterUpdates {
  /// The same updates where a base whose head is its embedding has them: one weight for both.
  ///
  /// What PEFT saves of the base's own weights it loads back into the base, where the head and the embedding are one
  /// parameter; modules that were trained whole are copies of their own, unless `ensure_weight_tying` made them one.
  /// A low-rank update of the embedding alone does not reach the head.
  func tied(
    selection: TargetSelection, ensuresTying: Bool, slots: SlotTable
  ) throws(AdapterError) -> AdapterUpdates {
    guard slots.tiesHead, let head = slots.index(of: .head),
      let embedding = slots.index(of: .embedding), weights[head] != nil || weights[embedding] != nil
    else { return self }
    let copies = selection.saved.filter { $0 == head || $0 == embedding }
    // Two copies are independent, and one copy beside the base's own weight is, too.
    guard copies.isEmpty || (copies.count == 2 && ensuresTying) else { return self }
    guard let shared = weights[embedding] ?? weights[head] else { return self }
    if let one = weights[head], let other = weights[embedding], !one.hasSameBits(as: other) {
      throw AdapterError(
        .badConfiguration,
        """
        the base's head is its embedding, but the file has two different weights for them; which one holds cannot be \
        told, so save the adapter with save_embedding_layers=False
        """)
    }
    var all = weights
    (all[head], all[embedding]) = (shared, shared)
    return AdapterUpdates(lowRank: lowRank, weights: all, biases: biases)
  }
}

extension Matrix {
  fileprivate func hasSameBits(as other: Matrix) -> Bool {
    unsafe bytes.withUnsafeBytes { one in
      unsafe other.bytes.withUnsafeBytes { unsafe one.elementsEqual($0) }
    }
  }
}
