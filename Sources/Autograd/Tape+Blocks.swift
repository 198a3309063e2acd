public import Tensors

extension Tape {
  /// `y[t, i] = x[t, i] / rms(x[t]) * weight[i]`
  /// - Parameters:
  ///   - x: `(T, D)`.
  ///   - weight: `(1, D)`, frozen.
  public func rmsNorm(_ x: Variable, weight: Matrix, epsilon: Float) -> Variable {
    let inverseRMS = isRecording ? matrix(x.shape.rows, 1) : nil
    let output = result(of: x) { [self] in
      Operand(
        normOf: x.value, weight: weight, epsilon: epsilon, inverseRMS: inverseRMS,
        recycler: recycler, pool: pool)
    }
    guard let inverseRMS else { return output }
    record(output) { [self] dy in
      accumulate(x) {
        $0.setRMSNormGradient(
          x: x.value, weight: weight, inverseRMS: inverseRMS, dy: dy, accumulating: $1, pool: pool)
      }
    }
    return output
  }

  /// The same, for each head of each row by itself (Qwen3's query and key norm).
  /// - Parameters:
  ///   - x: `(T, heads * headSize)`.
  ///   - weight: `(1, headSize)`.
  public func headNorm(_ x: Variable, weight: Matrix, epsilon: Float) -> Variable {
    let heads = x.value.count / weight.count
    let flat = x.value.reshaped(rows: heads, columns: weight.count)
    let inverseRMS = matrix(heads, 1)
    let y = Operand(
      normOf: flat, weight: weight, epsilon: epsilon, inverseRMS: inverseRMS, recycler: recycler,
      pool: pool
    ).values.reshaped(rows: x.value.rows, columns: x.value.columns)
    let output = result(y, of: x)
    record(output) { [self] dy in
      accumulate(x) {
        $0.reshaped(rows: heads, columns: weight.count).setRMSNormGradient(
          x: flat, weight: weight, inverseRMS: inverseRMS,
          dy: dy.reshaped(rows: heads, columns: weight.count), accumulating: $1, pool: pool)
      }
    }
    return output
  }

  /// Rotates `x`'s heads by their positions, in place: the operation that made `x` must not need its output again.
  /// - Parameters:
  ///   - cosine: `(T, headSize / 2)`; `sine` alike.
  public func rotate(_ x: Variable, headSize: Int, cosine: Matrix, sine: Matrix) -> Variable {
    x.value.rotate(headSize: headSize, cosine: cosine, sine: sine, backwards: false, pool: pool)
    guard isRecording else { return x }
    let output = result(x.value, of: x)
    record(output) { [self] dy in
      dy.rotate(headSize: headSize, cosine: cosine, sine: sine, backwards: true, pool: pool)
      give(dy, to: x)
    }
    return output
  }

  /// `y = silu(gate) * up`
  public func swiGLU(gate: Variable, up: Variable) -> Variable {
    let output = result(of: gate, up) { [self] in
      Operand(swiGLUOf: gate.value, up: up.value, recycler: recycler, pool: pool)
    }
    record(output) { [self] dy in
      let dGate = matrix(dy.rows, dy.columns)
      let dUp = matrix(dy.rows, dy.columns)
      dy.swiGLUGradient(
        gate: gate.value, up: up.value, intoGate: dGate, intoUp: dUp, accumulating: false,
        pool: pool)
      give(dGate, to: gate)
      give(dUp, to: up)
    }
    return output
  }

  /// Rows `indices` of `x`, in that order; an index may stand several times.
  public func rows(_ indices: [Int], of x: Variable) -> Variable {
    let y = matrix(indices.count, x.value.columns)
    for (row, index) in indices.enumerated() {
      y.rows(row..<row + 1).copy(from: x.value.rows(index..<index + 1))
    }
    let output = result(y, of: x)
    record(output) { [self] dy in
      accumulate(x) { dx, accumulating in
        if !accumulating { dx.fill(0) }
        for (row, index) in indices.enumerated() {
          dx.rows(index..<index + 1).add(dy.rows(row..<row + 1), pool: pool)
        }
      }
    }
    return output
  }
}
