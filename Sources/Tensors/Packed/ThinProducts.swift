import CKernels

/// Products of few outputs each, shared out together: adapters' first factors.
///
/// Plain values, as terms are: whoever adds a product holds its factors and what it is written to until all have run.
@safe struct ThinProducts {
  // Safe: as said.
  private var parts: [Part] = []

  init(capacity: Int) { parts.reserveCapacity(capacity) }

  /// `y = scale * x W^T`, where `panels` holds W.
  mutating func add(_ x: NarrowRows, _ panels: NarrowPanels, scale: Float, into y: Matrix) {
    let term = NarrowPanels.Term(rows: 0..<x.rows, left: x, right: panels)
    let all = panels.parts(of: x.rows)
    for index in 0..<all.count {
      let (rows, range) = all[index]
      parts.append(Part(term, rows, panels.columns(range), scale, y))
    }
  }

  func run(_ pool: WorkerPool) { pool.forEach(parts.count) { parts[$0].run() } }

  @safe private struct Part {
    // Safe: as said.
    private let rows, width, columns, stride: Int
    private let scale: Float
    private let term: ck_bf16_term
    private let y: UnsafeMutablePointer<Float>

    init(
      _ term: NarrowPanels.Term, _ rows: Range<Int>, _ columns: Range<Int>, _ scale: Float,
      _ y: Matrix
    ) {
      unsafe self.term = unsafe term.part(rows, columns)
      (self.rows, self.columns, self.scale) = (rows.count, columns.count, scale)
      (width, stride) = (term.width, y.columns)
      unsafe self.y = y.pointer + rows.lowerBound * stride + columns.lowerBound
    }

    func run() {
      unsafe withUnsafePointer(to: term) {
        unsafe ck_bf16_product(rows, width, columns, 1, $0, nil, 0, y, stride)
      }
      guard scale != 1 else { return }
      for row in 0..<rows { unsafe ck_scale(columns, scale, y + row * stride) }
    }
  }
}
