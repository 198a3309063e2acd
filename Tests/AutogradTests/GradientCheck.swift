import Autograd
import Expect
import Tensors
import Testing

/// Compares the gradients of every variable in `parameters` with central differences of a random projection of `output`.
func checkGradients(
  _ parameters: [Variable], seed: UInt64 = 7, sourceLocation: SourceLocation = #_sourceLocation,
  _ output: (Tape) -> Variable
) {
  let pool = WorkerPool(threads: 2)
  defer { pool.shutDown() }
  let recycler = BufferRecycler()
  var generator = SplitMix64(seed: seed)
  let tape = Tape(pool: pool, recycler: recycler, recording: true)
  let y = output(tape)
  let direction = random(y.value.rows, y.value.columns, &generator)
  tape.seed(y, with: direction.copied())
  tape.backward()
  func project() -> Double {
    let value = output(Tape(pool: pool, recycler: recycler, recording: false)).value
    return zip(value.values, direction.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
  let h: Float = 4e-3  // balances the cube of the step against float32's rounding
  for (number, parameter) in parameters.enumerated() {
    guard let gradient = parameter.gradient else {
      Issue.record("parameter \(number) got no gradient", sourceLocation: sourceLocation)
      continue
    }
    var expected: [Float] = []
    for row in 0..<parameter.value.rows {
      for column in 0..<parameter.value.columns {
        let kept = parameter.value[row, column]
        parameter.value[row, column] = kept + h
        let above = project()
        parameter.value[row, column] = kept - h
        let below = project()
        parameter.value[row, column] = kept
        expected.append(Float((above - below) / Double(2 * h)))
      }
    }
    let difference = firstDifference(gradient.values, expected, atol: 1e-3, rtol: 3e-3)
    #expect(difference == nil, "parameter \(number)", sourceLocation: sourceLocation)
  }
}

func random(_ rows: Int, _ columns: Int, _ generator: inout SplitMix64) -> Matrix {
  Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in generator.normal() })
}
