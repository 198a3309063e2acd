import Synchronization
public import Tensors

extension Checkpoint {
  /// Refuses a checkpoint with a weight that is NaN or infinite: one is enough to make every answer NaN.
  ///
  /// All tensors are decoded once, a few rows at a time.
  /// - Throws: `FormatError` that names the first such tensor and the place in it.
  public func checkFinite(pool: WorkerPool) throws(FormatError) {
    for name in tensorNames {
      guard let stored = tensors[name]?.stored, let fault = stored.firstNotFinite(pool: pool) else {
        continue
      }
      let row = fault.index / stored.rowLength
      let value = fault.value.isNaN ? "NaN" : "\(fault.value)"  // not "-nan" for some
      throw FormatError(
        .notFinite,
        "'\(path)': the tensor '\(shown(name))' holds \(value) at row \(row), column "
          + "\(fault.index % stored.rowLength); weights must be finite: fetch or convert the model again"
      )
    }
  }
}

extension StoredTensor {
  /// Values in a row; of a vector, all.
  fileprivate var rowLength: Int { max(1, shape.last ?? 1) }

  /// The first value in the file's order that is NaN or infinite, or nil.
  fileprivate func firstNotFinite(pool: WorkerPool) -> (index: Int, value: Float)? {
    guard count > 0, let rowSize = dtype.byteCount(of: rowLength) else { return nil }
    let found = Mutex<(index: Int, value: Float)?>(nil)
    pool.forBlocks(of: max(1, 65_536 / rowLength), in: count / rowLength) { rows in
      let part = Matrix(
        dequantising: bytes[rows.lowerBound * rowSize..<rows.upperBound * rowSize], dtype: dtype,
        rows: rows.count, columns: rowLength)
      guard let place = part.firstNotFinite else { return }
      let index = rows.lowerBound * rowLength + place
      found.withLock { if index < $0?.index ?? .max { $0 = (index, part.values[place]) } }
    }
    return found.withLock { $0 }
  }
}
