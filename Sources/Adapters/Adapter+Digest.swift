import Digests
import Foundation
import Models
import Tensors

extension Adapter {
  /// SHA-256 over what decides the adapter's answers, and nothing else.
  ///
  /// That is: the base's fingerprint, the prompt contract and, layer by layer in the order of the paths' bytes, the path,
  /// the method's formula, the scale and the factors as little-endian float32. So neither the order or type of a
  /// file's tensors, nor the way targets are spelled, nor settings of the training alone make another version.
  /// Texts and matrices are preceded by their lengths and shapes. What an adapter has besides low-rank updates follows,
  /// so that one without such parts has the digest that it had before there were any.
  static func computeDigest(
    baseFingerprint: Digest, promptContract: Data, slots: SlotTable, updates: AdapterUpdates
  ) -> Digest {
    let deltas = updates.lowRank
    var hasher = SHA256()
    hasher.update("lorikeet adapter 1\n\(baseFingerprint.hex)\n")
    hasher.update(promptContract.count)
    hasher.update([UInt8](promptContract))
    hasher.update(deltas.count)
    let ordered = deltas.map { (path: slots.slots[$0.key].path, delta: $0.value) }
      .sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    for (path, delta) in ordered {
      hasher.update(path.utf8.count)
      hasher.update(path)
      hasher.update("y += s B A x")
      hasher.update(Int(delta.scale.bitPattern))
      for matrix in [delta.a, delta.b] { update(&hasher, matrix) }
    }
    for part in otherParts(updates, slots) {
      hasher.update(part.path.utf8.count)
      hasher.update(part.path)
      hasher.update(part.formula)
      update(&hasher, part.matrix)
    }
    return hasher.finish()
  }

  /// What is no factor, by the paths' bytes and then by the formula.
  private static func otherParts(
    _ updates: AdapterUpdates, _ slots: SlotTable
  ) -> [(path: String, formula: String, matrix: Matrix)] {
    var parts: [(path: String, formula: String, matrix: Matrix)] = []
    for slot in updates.slots {
      let path = slots.slots[slot].path
      if let matrix = updates.weights[slot] { parts.append((path, "W = ", matrix)) }
      if let matrix = updates.biases[slot] { parts.append((path, "b = ", matrix)) }
      if let matrix = updates.lowRank[slot]?.bias { parts.append((path, "y += s b", matrix)) }
    }
    return parts.sorted {
      $0.path == $1.path
        ? $0.formula.utf8.lexicographicallyPrecedes($1.formula.utf8)
        : $0.path.utf8.lexicographicallyPrecedes($1.path.utf8)
    }
  }

  private static func update(_ hasher: inout SHA256, _ matrix: Matrix) {
    hasher.update(matrix.rows)
    hasher.update(matrix.columns)
    unsafe matrix.bytes.withUnsafeBytes { unsafe hasher.update($0) }
  }
}
