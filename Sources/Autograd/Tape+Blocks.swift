public import Tensors

extension Tape {
  /// `y[t, i] = x[t, i] / rms(x[t]) * weight[i]`
  /// - Parameters:
  ///   - x: `(T, D)`.
  ///   - weight: `(1, D)`, frozen.
  public func rmsNorm(_ x: Variable, weight: Matrix, epsilon: Float) -> Variable {
    let y = matrix(x.value.rows, x.value.columns)
    let inverseRMS = isRecording ? matrix(x.value.rows, 1) : nil
    y.setRMSNorm(of: x.value, weight: weight, epsilon: epsilon, inverseRMS: inverseRMS, pool: pool)
    guard let inverseRMS else { return Variable(y) }
    let output = result(y, of: x) { [self] in
      let y = matrix(x.value.rows, x.value.columns)
      y.setRMSNorm(
        of: x.value, weight: weight, epsilon: epsilon, inverseRMS: inverseRMS, pool: pool)
      return y
    }
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
    let y = matrix(x.value.rows, x.value.columns)
    let inverseRMS = matrix(heads, 1)
    y.reshaped(rows: heads, columns: weight.count).setRMSNorm(
      of: flat, weight: weight, epsilon: epsilon, inverseRMS: inverseRMS, pool: pool)
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
    func make() -> Matrix {
      let y = matrix(gate.value.rows, gate.value.columns)
      y.setSwiGLU(gate: gate.value, up: up.value, pool: pool)
      return y
    }
    guard isRecording else { return Variable(make()) }
    let output = result(make(), of: gate, up, remake: make)
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
