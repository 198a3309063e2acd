import COpenBLAS

/// A thin singular value decomposition, `M = left diag(values) right`.
public struct SingularValueDecomposition: Sendable {
  /// The left directions as columns, `(m, k)` with `k = min(m, n)`.
  public let left: Matrix
  /// The singular values, largest first; `k` of them.
  public let values: [Float]
  /// The right directions as rows, `(k, n)`.
  public let right: Matrix
}

extension Matrix {
  /// This `(m, n)` matrix as a product of directions and magnitudes (LAPACK's `sgesdd`).
  /// - Throws: `TensorError` where a value is not finite, or LAPACK finds no decomposition.
  public func singularValueDecomposition() throws(TensorError) -> SingularValueDecomposition {
    let k = min(rows, columns)
    guard k > 0 else {
      return SingularValueDecomposition(
        left: Matrix(rows: rows, columns: 0), values: [], right: Matrix(rows: 0, columns: columns))
    }
    guard isFinite, rows <= Int(Int32.max), columns <= Int(Int32.max) else {
      throw TensorError(
        .badShape, "no singular values: a value is not finite or there are too many")
    }
    OpenBLAS.prepared
    // LAPACK reads columns: what it sees is the transpose, so its left directions are our right ones.
    let work = copied()
    let left = Matrix(rows: rows, columns: k)
    let right = Matrix(rows: k, columns: columns)
    let values = Matrix(rows: 1, columns: k)
    var info: Int32 = 0
    var integers = [Int32](repeating: 0, count: 8 * k)
    func decompose(_ room: inout [Float], size: Int) {
      var job = CChar(UInt8(ascii: "S"))
      var (m, n) = (Int32(columns), Int32(rows))
      var (workStride, leftStride, rightStride) = (m, Int32(k), m)
      var size = Int32(clamping: size)
      unsafe sgesdd_(
        &job, &m, &n, work.pointer, &workStride, values.pointer, right.pointer, &rightStride,
        left.pointer, &leftStride, &room, &size, &integers, &info)
    }
    var room: [Float] = [0]
    decompose(&room, size: -1)  // asks how much room it wants
    // A float may have rounded the wish down: LAPACK's own callers add to it.
    room = [Float](repeating: 0, count: max(1, Int(room[0]) + Int(room[0]) / 1_000 + 1))
    decompose(&room, size: room.count)
    guard info == 0 else {
      throw TensorError(.badShape, "LAPACK found no singular values (\(info))")
    }
    return SingularValueDecomposition(left: left, values: values.values, right: right)
  }
}
