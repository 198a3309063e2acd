import CKernels

/// A weight of the frozen base, `(out, in)`, in whatever layout its products want.
///
/// Every product with a frozen weight goes through here: this is the place where packed and narrower layouts come in.
public struct FrozenWeight: Sendable {
  private let values: Matrix

  /// The weight with `values`, `(out, in)`, which nobody writes to any more.
  public init(_ values: Matrix) { self.values = values }

  /// Values in a row that goes in.
  public var inputSize: Int { values.columns }
  /// Values in a row that comes out.
  public var outputSize: Int { values.rows }
  /// Bytes held, mapped ones included.
  public var byteCount: Int { values.count * 4 }

  /// `y = x W^T`, or `y += x W^T` where `accumulating`.
  /// - Parameters:
  ///   - x: `(T, in)`.
  ///   - y: `(T, out)`; may not overlap `x`.
  public func apply(_ x: Matrix, into y: Matrix, accumulating: Bool = false, pool: WorkerPool) {
    precondition(
      x.columns == inputSize && y.columns == outputSize && x.rows == y.rows,
      "FrozenWeight: \(x.rows) x \(x.columns) by \(outputSize) x \(inputSize) into \(y.rows) x \(y.columns)"
    )
    if x.rows <= 32 {
      applyFew(x, into: y, accumulating: accumulating, pool: pool)
    } else {
      y.setProduct(x, .plain, values, .transposed, accumulating: accumulating, pool: pool)
    }
  }

  /// `dx = dy W`, or `dx += dy W` where `accumulating`: the gradient to the activations.
  /// - Parameters:
  ///   - dy: `(T, out)`.
  ///   - dx: `(T, in)`; may not overlap `dy`.
  public func applyTransposed(
    _ dy: Matrix, into dx: Matrix, accumulating: Bool = false, pool: WorkerPool
  ) {
    dx.setProduct(dy, .plain, values, .plain, accumulating: accumulating, pool: pool)
  }

  /// Copies rows `indices` of the weight: an embedding's look-up.
  public func gather(_ indices: [Int32], into y: Matrix) {
    precondition(
      y.rows == indices.count && y.columns == inputSize, "FrozenWeight: gather's shapes differ")
    for (row, index) in indices.enumerated() {
      precondition(index >= 0 && Int(index) < outputSize, "FrozenWeight: row out of bounds")
      y.rows(row..<row + 1).copy(from: values.rows(Int(index)..<Int(index) + 1))
    }
  }

  private func applyFew(_ x: Matrix, into y: Matrix, accumulating: Bool, pool: WorkerPool) {
    let block = max(16, min(outputSize, 1 + 65_536 / max(1, inputSize)))
    pool.forBlocks(of: block, in: outputSize) { range in
      unsafe ck_few_rows(
        x.rows, inputSize, range.count, x.pointer, x.columns,
        values.pointer + range.lowerBound * inputSize, y.pointer + range.lowerBound, y.columns,
        accumulating ? 1 : 0)
    }
  }
}
