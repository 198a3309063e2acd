import CKernels
import Tensors
import Testing

@Suite struct LargestTests {
  @Test func theFirstOfTheLargestIsFoundWhereverItStands() {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    var generator = SplitMix64(seed: 5)
    for columns in [1, 7, 63, 64, 65, 4095, 4096, 4097, 9001] {
      var rows: [[Float]] = (0..<6).map { _ in (0..<columns).map { _ in generator.uniform() } }
      // The last of all, twice, nothing but equals, and nothing that can be compared.
      rows[1][columns - 1] = 2
      rows[2][columns / 2] = 2
      rows[2][columns - 1] = 2
      rows[3] = [Float](repeating: -.infinity, count: columns)
      rows[4] = [Float](repeating: .nan, count: columns)
      let expected = rows.map { row in
        row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
      }
      let matrix = Matrix(rows: 6, columns: columns, rows.flatMap { $0 })
      #expect(matrix.largestOfRows(pool: pool) == expected, "\(columns) columns")
    }
  }
}
