public import Tensors

/// A tensor as a file keeps it: name, element type, row-major shape and bytes.
public struct StoredTensor: Sendable {
  /// The name in the file.
  public let name: String
  /// How values are stored.
  public let dtype: DType
  /// Sizes, slowest first: `[rows, columns]` for a matrix.
  public let shape: [Int]
  /// The stored bytes, row by row.
  public let bytes: Bytes

  /// A tensor whose `bytes` are as many as `shape` and `dtype` say.
  public init(name: String, dtype: DType, shape: [Int], bytes: Bytes) {
    precondition(
      StoredTensor.byteCount(dtype: dtype, shape: shape) == bytes.count,
      "StoredTensor: \(bytes.count) bytes for \(dtype.rawValue) \(shape)")
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
  }

  /// A float32 tensor with `matrix`' values; by default of its shape.
  public init(name: String, matrix: Matrix, shape: [Int]? = nil) {
    self.init(
      name: name, dtype: .f32, shape: shape ?? [matrix.rows, matrix.columns], bytes: matrix.bytes)
  }

  /// Values in the tensor.
  public var count: Int { shape.reduce(1, *) }

  /// Bytes that a tensor takes, or nil where rows are no whole number of blocks or the size overflows.
  static func byteCount(dtype: DType, shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      guard size >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      count = product
    }
    guard (shape.last ?? 1) % dtype.valuesPerBlock == 0 else { return nil }
    return dtype.byteCount(of: count)
  }
}

extension StoredTensor {
  /// The float32 values as a matrix of `rows` rows, which must divide the tensor.
  public func matrix(rows: Int, columns: Int, pool: WorkerPool? = nil) -> Matrix {
    Matrix(dequantising: bytes, dtype: dtype, rows: rows, columns: columns, pool: pool)
  }
}

/// Maps the file at `path`, telling a failure as a `FormatError`.
func mapFile(_ path: String) throws(FormatError) -> Bytes {
  do throws(TensorError) {
    return try MappedFile(path: path).bytes
  } catch {
    throw FormatError(.cannotOpen, error.message)
  }
}
