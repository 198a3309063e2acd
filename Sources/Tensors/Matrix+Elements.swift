import CKernels

extension Matrix {
  /// Adds `x`, of the same count, to this matrix.
  public func add(_ x: Matrix, pool: WorkerPool) {
    precondition(x.count == count, "add: counts differ")
    pool.forValues(count) { range in
      unsafe ck_add(range.count, x.pointer + range.lowerBound, pointer + range.lowerBound)
    }
  }

  /// Multiplies every value by `factor`.
  public func scale(by factor: Float) { unsafe ck_scale(count, factor, pointer) }

  /// Adds `bias`, `(1, D)`, to each row.
  public func addRow(_ bias: Matrix, pool: WorkerPool) {
    precondition(bias.count == columns, "addRow: widths differ")
    pool.forRows(of: self) { range in
      unsafe ck_add_rows(range.count, columns, bias.pointer, pointer + range.lowerBound * columns)
    }
  }

  /// The sum of squares of all values, in double, always added in the same order.
  public var sumOfSquares: Double { unsafe ck_sum_of_squares(count, pointer) }

  /// Whether every value is a finite number.
  public var isFinite: Bool { sumOfSquares.isFinite }

  /// The backward of `Operand(swiGLUOf:up:)`, with this matrix as `dy`.
  public func swiGLUGradient(
    gate: Matrix, up: Matrix, intoGate dGate: Matrix, intoUp dUp: Matrix, accumulating: Bool,
    pool: WorkerPool
  ) {
    precondition(
      gate.count == count && up.count == count && dGate.count == count && dUp.count == count,
      "swiGLUGradient: counts differ")
    pool.forValues(count) { range in
      let first = range.lowerBound
      unsafe ck_swiglu_backward(
        range.count, gate.pointer + first, up.pointer + first, pointer + first,
        dGate.pointer + first, dUp.pointer + first, accumulating ? 1 : 0)
    }
  }

  /// Each value of `x` kept with probability `1 - p` and divided by it, else 0; the same `seed` drops the same ones.
  public func setDropout(of x: Matrix, probability p: Float, seed: UInt64, pool: WorkerPool) {
    precondition(x.count == count && p >= 0 && p < 1, "setDropout: counts differ")
    pool.forValues(count) { range in
      unsafe ck_dropout(
        range.count, seed, UInt64(range.lowerBound), p, x.pointer + range.lowerBound,
        pointer + range.lowerBound)
    }
  }

  /// Rotates every head of every row in place by its position's angles (Su et al., 2021), or back.
  /// - Parameters:
  ///   - cosine: `(T, headSize / 2)`; `sine` alike.
  public func rotate(
    headSize: Int, cosine: Matrix, sine: Matrix, backwards: Bool, pool: WorkerPool
  ) {
    precondition(
      columns % headSize == 0 && cosine.rows == rows && cosine.columns == headSize / 2
        && sine.count == cosine.count, "rotate: shapes differ")
    pool.forRows(of: self) { range in
      let angle = range.lowerBound * (headSize / 2)
      unsafe ck_rotary(
        range.count, columns / headSize, headSize, pointer + range.lowerBound * columns,
        cosine.pointer + angle, sine.pointer + angle, backwards ? -1 : 1)
    }
  }

  /// One AdamW step of this matrix's values.
  public func adamWStep(
    gradient: Matrix, firstMoment: Matrix, secondMoment: Matrix, rate: Float, beta1: Float,
    beta2: Float, epsilon: Float, weightDecay: Float, step: Int
  ) {
    precondition(
      gradient.count == count && firstMoment.count == count && secondMoment.count == count,
      "adamWStep: counts differ")
    let correction1 = 1 - power(Double(beta1), step)
    let correction2 = 1 - power(Double(beta2), step)
    unsafe ck_adamw(
      count, pointer, gradient.pointer, firstMoment.pointer, secondMoment.pointer, rate, beta1,
      beta2, epsilon, weightDecay, Float(correction1), Float(correction2))
  }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  var result = 1.0
  var factor = base
  var left = exponent
  while left > 0 {
    if left & 1 == 1 { result *= factor }
    factor *= factor
    left >>= 1
  }
  return result
}
