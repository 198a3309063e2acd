import CKernels

extension Matrix {
  /// The cross-entropy of each row of these logits, in nats, and whether its target had the largest logit.
  ///
  /// Where `gradientScale` is not 0 the logits are overwritten by `gradientScale * (softmax - oneHot)`.
  /// - Parameter targets: One vocabulary index a row.
  public func crossEntropy(
    targets: [Int32], gradientScale: Float, pool: WorkerPool
  ) -> (losses: [Float], right: [Bool]) {
    precondition(
      targets.count == rows && targets.allSatisfy { $0 >= 0 && Int($0) < columns },
      "crossEntropy: targets do not fit")
    let losses = Matrix(rows: rows, columns: 1)
    let right = MemoryBlock(byteCount: rows)
    unsafe targets.withUnsafeBufferPointer { targets in
      guard let first = targets.baseAddress else { return }
      pool.forEach(rows) { row in
        unsafe ck_cross_entropy(
          1, columns, pointer + row * columns, first + row, gradientScale, losses.pointer + row,
          (right.base + row).assumingMemoryBound(to: UInt8.self))
      }
    }
    let flags = (0..<rows).map { unsafe right.base.load(fromByteOffset: $0, as: UInt8.self) != 0 }
    return (losses.values, flags)
  }
}
