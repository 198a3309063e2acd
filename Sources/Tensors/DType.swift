// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The block formats keep the names that everybody knows them by.

/// The element type of a stored tensor: plain floats, or GGUF's block formats.
///
/// Block layouts are those of ggml (`ggml-common.h`); plain types are safetensors' names.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q8_0 = "Q8_0"
  case q4_0 = "Q4_0"
  case q4_1 = "Q4_1"
  case q5_0 = "Q5_0"
  case q5_1 = "Q5_1"
  case q2_K = "Q2_K"
  case q3_K = "Q3_K"
  case q4_K = "Q4_K"
  case q5_K = "Q5_K"
  case q6_K = "Q6_K"

  /// Values in one block; rows must be a whole number of blocks long.
  public var valuesPerBlock: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1: 32
    case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: 256
    }
  }

  /// Bytes that one block takes.
  public var bytesPerBlock: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .q8_0: 34
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q2_K: 84
    case .q3_K: 110
    case .q4_K: 144
    case .q5_K: 176
    case .q6_K: 210
    }
  }
}
