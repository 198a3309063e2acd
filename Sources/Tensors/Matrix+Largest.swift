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

  /// The column of the largest value in `row`, the first of equals.
  public func largestColumn(row: Int) -> Int {
    precondition(row >= 0 && row < rows && columns > 0, "largestColumn: out of bounds")
    var place: UInt32 = 0
    unsafe ck_largest(columns, pointer + row * columns, &place)
    return Int(place)
  }
}
