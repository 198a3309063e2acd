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
  /// Texts and matrices are preceded by their lengths and shapes.
  static func computeDigest(
    baseFingerprint: Digest, promptContract: Data, slots: SlotTable, deltas: [Int: LowRank]
  ) -> Digest {
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
      for matrix in [delta.a, delta.b] {
        hasher.update(matrix.rows)
        hasher.update(matrix.columns)
        unsafe matrix.bytes.withUnsafeBytes { unsafe hasher.update($0) }
      }
    }
    return hasher.finish()
  }
}
