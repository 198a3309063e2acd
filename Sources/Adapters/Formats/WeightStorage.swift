import Checkpoints
import Tensors

/// How tensors of a file were stored, where that is not plain float32 in every place that could hold one.
///
/// Values are float32 in memory, which holds F16 and BF16 exactly, so they can be written back without a change.
struct WeightStorage: Sendable {
  private var narrow: [String: DType] = [:]
  private var names: Set<String>?

  /// For weights that come from no file.
  init() {}

  /// Remembers how `tensors`, all those of a file, are stored.
  init(_ tensors: [StoredTensor]) {
    names = Set(tensors.map(\.name))
    for tensor in tensors where tensor.dtype != .f32 { narrow[tensor.name] = tensor.dtype }
  }

  /// Whether the file had a tensor called `name`; without a file everything is to be written.
  func holds(_ name: String) -> Bool { names?.contains(name) ?? true }

  /// The tensor called `name`, stored as it was.
  func tensor(_ name: String, _ matrix: Matrix, shape: [Int]) -> StoredTensor {
    let dtype = narrow[name] ?? .f32
    guard dtype != .f32 else { return StoredTensor(name: name, matrix: matrix, shape: shape) }
    let halves = matrix.values.flatMap { value -> [UInt8] in
      let bits =
        dtype == .bf16
        ? UInt16(truncatingIfNeeded: value.bitPattern >> 16) : Float16(value).bitPattern
      return [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
    }
    return StoredTensor(name: name, dtype: dtype, shape: shape, bytes: Bytes(halves))
  }
}
