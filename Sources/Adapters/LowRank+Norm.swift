import Tensors

extension LowRank {
  /// The update's Frobenius norm, without making the `(out, in)` matrix.
  ///
  /// `||s B A||_F = |s| sqrt(trace((B^T B)(A A^T)))`, in double precision: `r^2 (in + out)` operations.
  public var norm: Double {
    let rank = rank
    var trace = 0.0
    let left = LowRank.gram(b.values, count: b.rows, size: rank, isTransposed: false)
    let right = LowRank.gram(a.values, count: a.columns, size: rank, isTransposed: true)
    for row in 0..<rank {
      trace += left[row * rank + row] * right[row * rank + row]
      for column in row + 1..<max(rank, row + 1) {
        trace += 2 * left[row * rank + column] * right[row * rank + column]
      }
    }
    return abs(Double(scale)) * max(0, trace).squareRoot()
  }

  /// The upper half of the `(size, size)` sum of outer products of `count` vectors.
  ///
  /// The vectors are the rows of `(count, size)` values, or, where `isTransposed`, the columns of `(size, count)`.
  private static func gram(
    _ values: [Float], count: Int, size: Int, isTransposed: Bool
  ) -> [Double] {
    var sum = [Double](repeating: 0, count: size * size)
    var vector = [Double](repeating: 0, count: size)
    for index in 0..<count {
      for element in 0..<size {
        vector[element] = Double(
          isTransposed ? values[element * count + index] : values[index * size + element])
      }
      for row in 0..<size {
        let factor = vector[row]
        for column in row..<size { sum[row * size + column] += factor * vector[column] }
      }
    }
    return sum
  }
}
