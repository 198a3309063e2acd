import CKernels
import Expect
import Tensors
import Testing

/// Every faster variant against the portable one, on shapes that do not fill a vector.
@Suite("Kernel variants", .serialized)
struct KernelVariantTests {
  private static let names = [
    "rmsNorm", "rmsNormGradient", "rotate", "swiGLU", "swiGLUGradient", "attendBlock", "attendOne",
    "attentionGradient", "crossEntropy", "fewRows", "adamW", "dropout", "add", "addRow",
  ]

  private func random(_ rows: Int, _ columns: Int, _ g: inout SplitMix64) -> Matrix {
    Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in g.normal() })
  }

  @Test("agree with the portable one", arguments: names, [1, 7, 16, 33, 96])
  func agree(name: String, width: Int) {
    let best = ck_best_variant()
    defer { _ = ck_force_variant(best) }
    #expect(ck_force_variant(CK_PORTABLE) == 1)
    let expected = run(name, width)
    underEachVariant { variant in
      let difference = firstDifference(run(name, width), expected, atol: 1e-6, rtol: 1e-5)
      #expect(difference == nil, "\(name), variant \(variant.rawValue)")
    }
  }

  private func run(_ name: String, _ width: Int) -> [Float] {
    var g = SplitMix64(seed: 11)
    let pool = WorkerPool(threads: 1)
    let recycler = BufferRecycler()
    let rows = 5
    let x = random(rows, width, &g)
    let y = random(rows, width, &g)
    let z = random(rows, width, &g)
    let row = random(1, width, &g)
    let column = Matrix(rows: rows, columns: 1)
    let out = Matrix(repeating: 0.5, rows: rows, columns: width)
    let other = Matrix(repeating: 0.25, rows: rows, columns: width)
    switch name {
    case "rmsNorm":
      let norm = Operand(
        normOf: x, weight: row, epsilon: 1e-5, inverseRMS: column, recycler: recycler, pool: pool)
      return norm.values.values + column.values
    case "rmsNormGradient":
      column.fill(0.75)
      out.setRMSNormGradient(
        x: x, weight: row, inverseRMS: column, dy: y, accumulating: true, pool: pool)
      return out.values
    case "rotate":
      let wide = random(rows, 3 * 2 * width, &g)
      wide.rotate(headSize: 2 * width, cosine: x, sine: y, backwards: false, pool: pool)
      return wide.values
    case "swiGLU":
      return Operand(swiGLUOf: x, up: y, recycler: recycler, pool: pool).values.values
    case "swiGLUGradient":
      z.swiGLUGradient(gate: x, up: y, intoGate: out, intoUp: other, accumulating: true, pool: pool)
      return out.values + other.values
    case "attendBlock", "attendOne", "attentionGradient":
      return attention(name, width, &g, pool)
    case "crossEntropy":
      let result = x.crossEntropy(
        targets: (0..<rows).map { Int32($0 % width) }, gradientScale: 0.5, pool: pool)
      return result.losses + x.values
    case "fewRows":
      let result = Matrix(rows: rows, columns: rows)
      FrozenWeight(y).apply(
        Operand(x, recycler: recycler, pool: pool), rows: 0..<rows, into: result, pool: pool)
      return result.values
    case "adamW":
      let second = Matrix(repeating: 0.3, rows: rows, columns: width)
      x.adamWStep(
        gradient: y, firstMoment: z, secondMoment: second, rate: 0.01, beta1: 0.9, beta2: 0.999,
        epsilon: 1e-8, weightDecay: 0.1, step: 3)
      return x.values + z.values + second.values
    case "dropout":
      out.setDropout(of: x, probability: 0.4, seed: 5, pool: pool)
      return out.values
    case "add":
      out.add(x, pool: pool)
      out.scale(by: 0.3)
      return out.values
    default:
      out.addRow(row, pool: pool)
      return out.values
    }
  }

  private func attention(
    _ name: String, _ width: Int, _ g: inout SplitMix64, _ pool: WorkerPool
  ) -> [Float] {
    let attention = Attention(heads: 2, keyValueHeads: 1, headSize: width, window: 3)
    let count = name == "attendOne" ? 1 : 5
    let queries = random(count, 2 * width, &g)
    let (keys, values) = (random(5, width, &g), random(5, width, &g))
    let segment = AttentionSegment(
      rows: 0..<count, firstPosition: 5 - count, keys: keys, values: values)
    let output = Matrix(rows: count, columns: 2 * width)
    let logSums = name == "attentionGradient" ? Matrix(rows: count, columns: 2) : nil
    let recycler = BufferRecycler()
    attention.forward(
      queries: queries, segments: [segment], into: output, logSums: logSums, recycler: recycler,
      pool: pool)
    guard let logSums else { return output.values }
    let (dq, dk, dv) = (
      Matrix(rows: count, columns: 2 * width), Matrix(repeating: 0, rows: 5, columns: width),
      Matrix(repeating: 0, rows: 5, columns: width)
    )
    attention.backward(
      dy: random(count, 2 * width, &g), output: output, logSums: logSums, queries: queries,
      segments: [segment], dQueries: dq, dKeys: [dk], dValues: [dv], recycler: recycler, pool: pool)
    return dq.values + dk.values + dv.values
  }
}
