import Autograd
import Expect
import Tensors
import Testing

@Suite("Every backward agrees with finite differences")
struct GradientTests {
  private func parameter(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Variable {
    Variable(random(rows, columns, &g), trainable: true)
  }

  @Test("RMS norm", arguments: [(1, 3), (5, 8), (3, 33)])
  func rmsNorm(rows: Int, columns: Int) {
    var g = SplitMix64(seed: 1)
    let x = parameter(rows, columns, &g)
    let weight = random(1, columns, &g)
    checkGradients([x]) { $0.rmsNorm(x, weight: weight, epsilon: 1e-5) }
  }

  @Test("head norm")
  func headNorm() {
    var g = SplitMix64(seed: 2)
    let x = parameter(3, 12, &g)
    let weight = random(1, 4, &g)
    checkGradients([x]) { $0.headNorm(x, weight: weight, epsilon: 1e-6) }
  }

  @Test("rotary embedding")
  func rotate() {
    var g = SplitMix64(seed: 3)
    let x = parameter(4, 12, &g)
    let angles = (0..<8).map { _ in g.normal() }
    let cosine = Matrix(rows: 4, columns: 2, angles.map { 1 - $0 * $0 / 4 })
    let sine = Matrix(rows: 4, columns: 2, angles)
    checkGradients([x]) { tape in
      let copy = tape.rows([0, 1, 2, 3], of: x)  // rotation is in place
      return tape.rotate(copy, headSize: 4, cosine: cosine, sine: sine)
    }
  }

  @Test("gated feed-forward activation")
  func swiGLU() {
    var g = SplitMix64(seed: 4)
    let gate = parameter(3, 17, &g)
    let up = parameter(3, 17, &g)
    checkGradients([gate, up]) { $0.swiGLU(gate: gate, up: up) }
  }

  @Test("linear layer with two adapters, bias and residual", arguments: [Float(0), 0.3])
  func linear(dropout: Float) {
    var g = SplitMix64(seed: 5)
    let x = parameter(11, 6, &g)
    let weight = FrozenWeight(random(5, 6, &g))
    let bias = random(1, 5, &g)
    let residual = parameter(11, 5, &g)
    let (a1, b1) = (parameter(2, 6, &g), parameter(5, 2, &g))
    let (a2, b2) = (parameter(3, 6, &g), parameter(5, 3, &g))
    let drop = dropout > 0 ? Dropout(probability: dropout, seed: 9) : nil
    checkGradients([x, residual, a1, b1, a2, b2]) { tape in
      tape.linear(
        x, weight, bias: bias,
        deltas: [
          LowRankDelta(rows: 0..<4, a: a1, b: b1, scale: 0.5, dropout: drop),
          LowRankDelta(rows: 6..<11, a: a2, b: b2, scale: 2),
        ], residual: residual)
    }
  }

  @Test("linear layer whose weight and bias some rows have their own of")
  func replacedLinear() {
    var g = SplitMix64(seed: 12)
    let x = parameter(11, 6, &g)
    let weight = FrozenWeight(random(5, 6, &g))
    let (other, third) = (FrozenWeight(random(5, 6, &g)), FrozenWeight(random(5, 6, &g)))
    let (bias, ownBias, shift) = (random(1, 5, &g), random(1, 5, &g), random(1, 5, &g))
    let (a, b) = (parameter(2, 6, &g), parameter(5, 2, &g))
    func linear(_ tape: Tape, _ x: Variable) -> Variable {
      tape.linear(
        x, weight, bias: bias,
        replacements: [
          Replacement(rows: 7..<9, weight: third),
          Replacement(rows: 2..<5, weight: other, bias: ownBias),
        ], deltas: [LowRankDelta(rows: 3..<8, a: a, b: b, scale: 0.5, shift: shift)])
    }
    checkGradients([x, a, b]) { linear($0, x) }
    let tape = Tape(pool: WorkerPool(threads: 1), recycler: BufferRecycler(), recording: false)
    let together = linear(tape, x).value
    for row in 0..<11 {
      let one = Variable(x.value.rows(row..<row + 1))
      let (w, isOwn) =
        (2..<5).contains(row)
        ? (other, true) : (7..<9).contains(row) ? (third, false) : (weight, false)
      let delta = LowRankDelta(rows: 0..<1, a: a, b: b, scale: 0.5, shift: shift)
      let alone = tape.linear(
        one, w, bias: isOwn ? ownBias : bias, deltas: (3..<8).contains(row) ? [delta] : [])
      let difference = firstDifference(
        together.rows(row..<row + 1).values, alone.value.values, atol: 1e-5)
      #expect(difference == nil, "row \(row)")
    }
  }

  @Test(
    "grouped attention over ragged segments",
    arguments: [([5, 1, 3], nil), ([7], 3), ([70, 2], nil), ([67], 9)] as [([Int], Int?)])
  func attention(lengths: [Int], window: Int?) {
    var g = SplitMix64(seed: 6)
    let rows = lengths.reduce(0, +)
    let q = parameter(rows, 4 * 4, &g)
    let k = parameter(rows, 2 * 4, &g)
    let v = parameter(rows, 2 * 4, &g)
    var start = 0
    let segments = lengths.map { length in
      defer { start += length }
      return start..<start + length
    }
    let attention = Attention(heads: 4, keyValueHeads: 2, headSize: 4, window: window)
    checkGradients([q, k, v]) {
      $0.attention(attention, queries: q, keys: k, values: v, segments: segments.map { [$0] })
    }
  }

  @Test("grouped attention after prefixes that several segments share", arguments: [nil, 3, 70])
  func sharedPrefixes(window: Int?) {
    var g = SplitMix64(seed: 13)
    // A trunk, two branches of it with two twigs each, a third branch, and one that shares nothing.
    let segments = [
      [0..<66], [0..<66, 66..<68], [0..<66, 66..<68, 68..<71], [0..<66, 66..<68, 71..<72],
      [0..<66, 72..<74], [0..<66, 72..<74, 74..<75], [0..<66, 72..<74, 75..<77],
      [0..<66, 77..<79], [79..<82],
    ]
    let q = parameter(82, 4 * 4, &g)
    let k = parameter(82, 2 * 4, &g)
    let v = parameter(82, 2 * 4, &g)
    let attention = Attention(heads: 4, keyValueHeads: 2, headSize: 4, window: window)
    checkGradients([q, k, v]) {
      $0.attention(attention, queries: q, keys: k, values: v, segments: segments)
    }
  }

  @Test("rows taken several times")
  func repeatedRows() {
    var g = SplitMix64(seed: 14)
    let x = parameter(4, 3, &g)
    checkGradients([x]) { $0.rows([2, 0, 2, 2, 3], of: x) }
  }

  @Test("chunked cross-entropy with an adapter on the head", arguments: [2, 3, 100])
  func crossEntropy(chunk: Int) {
    var g = SplitMix64(seed: 8)
    let pool = WorkerPool(threads: 1)
    let x = parameter(7, 4, &g)
    let head = FrozenWeight(random(9, 4, &g))
    let (a, b) = (parameter(2, 4, &g), parameter(9, 2, &g))
    let targets: [Int32] = [0, 8, 3, 3, 5, 1, 7]
    func loss(_ recording: Bool) -> Float {
      let tape = Tape(pool: pool, recycler: BufferRecycler(), recording: recording)
      let losses = tape.crossEntropy(
        x, head: head, deltas: [LowRankDelta(rows: 0..<7, a: a, b: b, scale: 1)], targets: targets,
        gradientScale: 1, chunk: chunk
      ).losses
      return losses.reduce(0, +)
    }
    _ = loss(true)
    for parameter in [x, a, b] {
      let gradient = parameter.gradient?.values ?? []
      var expected: [Float] = []
      for row in 0..<parameter.value.rows {
        for column in 0..<parameter.value.columns {
          let kept = parameter.value[row, column]
          parameter.value[row, column] = kept + 1e-2
          let above = loss(false)
          parameter.value[row, column] = kept - 1e-2
          let below = loss(false)
          parameter.value[row, column] = kept
          expected.append((above - below) / 2e-2)
        }
      }
      #expect(firstDifference(gradient, expected, atol: 2e-3, rtol: 5e-3) == nil)
    }
  }

  @Test("nothing is recorded and no gradient kept below the lowest trainable variable")
  func frozenBelow() {
    var g = SplitMix64(seed: 10)
    let pool = WorkerPool(threads: 1)
    let x = Variable(random(3, 4, &g))
    let tape = Tape(pool: pool, recycler: BufferRecycler(), recording: true)
    let h = tape.linear(x, FrozenWeight(random(4, 4, &g)))
    #expect(!h.requiresGradient)
    let (a, b) = (parameter(2, 4, &g), parameter(4, 2, &g))
    let y = tape.linear(
      h, FrozenWeight(random(4, 4, &g)),
      deltas: [LowRankDelta(rows: 0..<3, a: a, b: b, scale: 1)])
    tape.seed(y, with: Matrix(repeating: 1, rows: 3, columns: 4))
    tape.backward()
    #expect(h.gradient == nil && x.gradient == nil && a.gradient != nil && b.gradient != nil)
  }
}
