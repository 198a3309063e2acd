import CKernels

extension Matrix {
  /// The index of the largest value of each row, the first of equals.
  public func largestOfRows(pool: WorkerPool) -> [Int] {
    var places = [UInt32](repeating: 0, count: rows)
    unsafe places.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      pool.forEach(rows) { row in
        unsafe ck_largest(columns, pointer + row * columns, base + row)
      }
    }
    return places.map(Int.init)
  }
}
