import Checkpoints
import Tensors

/// How tensors of a file were stored, where that is not float32.
///
/// Values are float32 in memory, which holds F16 and BF16 exactly, so they can be written back without a change.
struct WeightStorage: Sendable {
  private var narrow: [String: DType] = [:]

  /// Remembers how `tensor` is stored.
  mutating func note(_ tensor: StoredTensor) {
    if tensor.dtype != .f32 { narrow[tensor.name] = tensor.dtype }
  }

  /// The tensor called `name`, stored as it was.
  func tensor(_ name: String, _ matrix: Matrix) -> StoredTensor {
    let dtype = narrow[name] ?? .f32
    guard dtype != .f32 else { return StoredTensor(name: name, matrix: matrix) }
    let halves = matrix.values.flatMap { value -> [UInt8] in
      let bits =
        dtype == .bf16
        ? UInt16(truncatingIfNeeded: value.bitPattern >> 16) : Float16(value).bitPattern
      return [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
    }
    return StoredTensor(
      name: name, dtype: dtype, shape: [matrix.rows, matrix.columns], bytes: Bytes(halves))
  }
}
