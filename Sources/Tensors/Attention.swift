import CKernels
import COpenBLAS

/// Which queries attend to which keys: one segment of a ragged batch.
public struct AttentionSegment: Sendable {
  /// The sequence's rows among the queries.
  public var rows: Range<Int>
  /// The position of the first of them.
  public var firstPosition: Int
  private let past: Past
  /// Keys and values that its rows are yet to write into its panels.
  private var unwritten: (keys: Matrix, values: Matrix)?

  private enum Past {
    case floats(keys: Matrix, values: Matrix)
    case panels(KeyValuePanels)
  }

  /// A sequence's rows, and the keys and values that they may see.
  /// - Parameters:
  ///   - keys: Keys of the positions from 0 on, `(n, keyValueHeads * headSize)`, `n` at least the last query's position + 1.
  ///   - values: Values, shaped as the keys.
  public init(rows: Range<Int>, firstPosition: Int, keys: Matrix, values: Matrix) {
    precondition(keys.rows >= firstPosition + rows.count, "AttentionSegment: keys missing")
    self.rows = rows
    self.firstPosition = firstPosition
    past = .floats(keys: keys, values: values)
  }

  /// A sequence's rows, and keys and values kept in the attention's own format: forward only.
  /// - Parameters:
  ///   - panels: Those of the positions before the rows', and room for theirs.
  ///   - own: The batch's keys and values, `(T, keyValueHeads * headSize)` each, of which the forward pass writes these rows'
  ///     into the panels; nil where they stand there already.
  public init(
    rows: Range<Int>, firstPosition: Int, panels: KeyValuePanels,
    own: (keys: Matrix, values: Matrix)? = nil
  ) {
    precondition(panels.capacity >= firstPosition + rows.count, "AttentionSegment: keys missing")
    self.rows = rows
    self.firstPosition = firstPosition
    past = .panels(panels)
    unwritten = own
  }

  /// Whether its rows are yet to write keys and values.
  var isToBeWritten: Bool { unwritten != nil }

  /// The first of the keys and of the values, of `columns` each, that its only row is yet to write.
  func ownRow(columns: Int) -> (key: UnsafePointer<Float>, value: UnsafePointer<Float>)? {
    guard let (keys, values) = unwritten else { return nil }
    precondition(
      rows.count == 1 && rows.upperBound <= min(keys.rows, values.rows) && keys.columns == columns
        && values.columns == columns, "AttentionSegment: own keys' shape differs")
    let place = rows.lowerBound * columns
    return unsafe (UnsafePointer(keys.pointer + place), UnsafePointer(values.pointer + place))
  }

  /// Writes one head's part of its rows' keys and values where that is to be done.
  func write(head: Int) {
    guard let unwritten, let panels else { return }
    panels.write(
      head: head, keys: unwritten.keys.rows(rows), values: unwritten.values.rows(rows),
      at: firstPosition)
  }

  /// Packed keys and values, where that is what there is.
  var panels: KeyValuePanels? {
    if case .panels(let panels) = past { panels } else { nil }
  }

  /// Keys as floats.
  package var keys: Matrix { floats.keys }

  /// Values as floats.
  package var values: Matrix { floats.values }

  private var floats: (keys: Matrix, values: Matrix) {
    guard case .floats(let keys, let values) = past else {
      preconditionFailure("AttentionSegment: keys are packed")
    }
    return (keys, values)
  }
}

/// What attention's products are computed with; sums and softmax are floats.
public enum AttentionFormat: Sendable {
  /// Floats, by BLAS: the reference.
  case f32
  /// Keys and values as float16; queries and probabilities as floats.
  case f16
  /// Both sides as bfloat16: the fastest and the least exact.
  case bf16
}

/// Causal attention with grouped heads (Vaswani et al., 2017; Ainslie et al., 2023) over ragged segments.
///
/// `y = softmax(q k^T / sqrt(headSize)) v`, head by head; query `p` sees keys `j <= p` with `p - j < window`.
/// Queries go in blocks, so that scores beyond the causal edge are not computed, and no score outlives its block: the
/// backward computes a block's probabilities again from the kept logarithms of their sums.
public struct Attention: Sendable {
  /// Query heads.
  public let heads: Int
  /// Key and value heads; `heads` is a multiple.
  public let keyValueHeads: Int
  /// Values in one head.
  public let headSize: Int
  /// How many keys a query sees, itself included; nil for all.
  public let window: Int?
  /// What products are computed with.
  public let format: AttentionFormat

  private static let queryBlock = 64

  /// Attention of this shape.
  public init(
    heads: Int, keyValueHeads: Int, headSize: Int, window: Int?,
    format: AttentionFormat = .f32
  ) {
    precondition(keyValueHeads > 0 && heads % keyValueHeads == 0, "Attention: heads do not group")
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.window = window
    self.format = format
  }

  var scale: Float { 1 / Float(headSize).squareRoot() }
  var group: Int { heads / keyValueHeads }

  /// Computes `output`, `(T, heads * headSize)`, for queries of the same shape.
  /// - Parameter logSums: `(T, heads)`; receives what the backward needs. Nil where no backward follows.
  public func forward(
    queries: Matrix, segments: [AttentionSegment], into output: Matrix, logSums: Matrix?,
    recycler: BufferRecycler, pool: WorkerPool
  ) {
    if format != .f32 {
      return narrowForward(queries, segments, output, logSums, recycler, pool)
    }
    var items: [(segment: AttentionSegment, rows: Range<Int>, keyValueHead: Int)] = []
    for segment in segments {
      for block in Attention.blocks(segment.rows) {
        for head in 0..<keyValueHeads { items.append((segment, block, head)) }
      }
    }
    pool.forEach(items.count) { index in
      let item = items[index]
      if item.rows.count == 1, logSums == nil {
        attendOne(item.segment, item.rows.lowerBound, item.keyValueHead, queries, output, recycler)
      } else {
        attendBlock(
          item.segment, item.rows, item.keyValueHead, queries, output, logSums, recycler)
      }
    }
  }

  static func blocks(_ rows: Range<Int>, of size: Int = queryBlock) -> [Range<Int>] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: size).map {
      $0..<min(rows.upperBound, $0 + size)
    }
  }

  /// The keys that any query of `rows` sees, as a range of positions.
  func visibleKeys(_ segment: AttentionSegment, _ rows: Range<Int>) -> Range<Int> {
    let first = segment.firstPosition + rows.lowerBound - segment.rows.lowerBound
    let oldest = window.map { max(0, first + 1 - $0) } ?? 0
    return oldest..<first + rows.count
  }

  func attendOne(
    _ segment: AttentionSegment, _ row: Int, _ keyValueHead: Int, _ queries: Matrix,
    _ output: Matrix, _ recycler: BufferRecycler
  ) {
    let keys = visibleKeys(segment, row..<row + 1)
    let scores = scratch(1, keys.count, recycler)
    let stride = segment.keys.columns
    let start = keys.lowerBound * stride + keyValueHead * headSize
    for head in keyValueHead * group..<(keyValueHead + 1) * group {
      let place = row * queries.columns + head * headSize
      unsafe ck_attend_one(
        keys.count, headSize, stride, queries.pointer + place, segment.keys.pointer + start,
        segment.values.pointer + start, scale, scores.pointer, output.pointer + place)
    }
  }

  private func attendBlock(
    _ segment: AttentionSegment, _ rows: Range<Int>, _ keyValueHead: Int, _ queries: Matrix,
    _ output: Matrix, _ logSums: Matrix?, _ recycler: BufferRecycler
  ) {
    let keys = visibleKeys(segment, rows)
    let scores = scratch(rows.count, keys.count, recycler)
    let unusedSums = scratch(1, rows.count * heads, recycler)
    let width = Int32(queries.columns)
    let keyWidth = Int32(segment.keys.columns)
    let start = keys.lowerBound * segment.keys.columns + keyValueHead * headSize
    let (m, n, d) = (Int32(rows.count), Int32(keys.count), Int32(headSize))
    for head in keyValueHead * group..<(keyValueHead + 1) * group {
      let place = rows.lowerBound * queries.columns + head * headSize
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, m, n, d, 1, queries.pointer + place, width,
        segment.keys.pointer + start, keyWidth, 0, scores.pointer, n)
      unsafe ck_masked_softmax(
        rows.count, keys.count, scores.pointer, scale, segment.position(of: rows.lowerBound),
        keys.lowerBound, window ?? .max,
        (logSums.map { unsafe $0.pointer + rows.lowerBound * heads } ?? unusedSums.pointer) + head,
        heads)
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, m, d, n, 1, scores.pointer, n,
        segment.values.pointer + start, keyWidth, 0, output.pointer + place, width)
    }
  }

  /// The gradients of one forward pass, from `dy` and what the forward kept.
  ///
  /// `dQueries` is overwritten; `dKeys` and `dValues`, for each segment matrices of its keys' shape, gain. No two
  /// segments may share these.
  public func backward(
    dy: Matrix, output: Matrix, logSums: Matrix, queries: Matrix, segments: [AttentionSegment],
    dQueries: Matrix, dKeys: [Matrix], dValues: [Matrix], recycler: BufferRecycler,
    pool: WorkerPool
  ) {
    if format != .f32 {
      return narrowBackward(
        dy, logSums, queries, segments, dQueries, dKeys, dValues, recycler, pool)
    }
    pool.forEach(segments.count * keyValueHeads) { index in
      let place = index / keyValueHeads
      let segment = segments[place]
      let keyValueHead = index % keyValueHeads
      for block in Attention.blocks(segment.rows) {
        for head in keyValueHead * group..<(keyValueHead + 1) * group {
          backwardBlock(
            segment, block, head, dy, output, logSums, queries, dQueries, dKeys[place],
            dValues[place], recycler)
        }
      }
    }
  }

  private func backwardBlock(
    _ segment: AttentionSegment, _ rows: Range<Int>, _ head: Int, _ dy: Matrix, _ output: Matrix,
    _ logSums: Matrix, _ queries: Matrix, _ dQueries: Matrix, _ dKeys: Matrix, _ dValues: Matrix,
    _ recycler: BufferRecycler
  ) {
    let keys = visibleKeys(segment, rows)
    let p = scratch(rows.count, keys.count, recycler)
    let ds = scratch(rows.count, keys.count, recycler)
    let corrections = scratch(1, rows.count, recycler)
    let width = Int32(queries.columns)
    let keyWidth = Int32(segment.keys.columns)
    let keyHead = head / group * headSize
    let start = keys.lowerBound * segment.keys.columns + keyHead
    let place = rows.lowerBound * queries.columns + head * headSize
    let (m, n, d) = (Int32(rows.count), Int32(keys.count), Int32(headSize))
    // p = softmax(q k^T), again.
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, m, n, d, 1, queries.pointer + place, width,
      segment.keys.pointer + start, keyWidth, 0, p.pointer, n)
    unsafe ck_masked_softmax_again(
      rows.count, keys.count, p.pointer, scale, segment.position(of: rows.lowerBound),
      keys.lowerBound, window ?? .max, logSums.pointer + rows.lowerBound * heads + head, heads)
    // dv += p^T dy; dp = dy v^T; ds = p * (dp - dot(dy, y)) * scale.
    unsafe cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, n, d, m, 1, p.pointer, n, dy.pointer + place, width,
      1, dValues.pointer + start, keyWidth)
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, m, n, d, 1, dy.pointer + place, width,
      segment.values.pointer + start, keyWidth, 0, ds.pointer, n)
    unsafe ck_row_dots(
      rows.count, headSize, queries.columns, dy.pointer + place, output.pointer + place,
      corrections.pointer)
    unsafe ck_softmax_backward(
      rows.count, keys.count, p.pointer, ds.pointer, corrections.pointer, scale)
    // dq = ds k; dk += ds^T q.
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, m, d, n, 1, ds.pointer, n,
      segment.keys.pointer + start, keyWidth, 0, dQueries.pointer + place, width)
    unsafe cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, n, d, m, 1, ds.pointer, n, queries.pointer + place,
      width, 1, dKeys.pointer + start, keyWidth)
  }

  /// Room for `rows * columns` floats; counts are rounded up so that the recycler sees few sizes.
  func scratch(_ rows: Int, _ columns: Int, _ recycler: BufferRecycler) -> Matrix {
    Matrix(rows: 1, columns: (rows * columns + 4095) / 4096 * 4096, recycler: recycler)
  }
}

extension AttentionSegment {
  func position(of row: Int) -> Int { firstPosition + row - rows.lowerBound }
}
