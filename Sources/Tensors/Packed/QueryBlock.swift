import CKernels

/// Some queries in bf16, the keys that they see, and room for their scores: several rows of one head, or one row of
/// several heads that share keys.
///
/// A query's bits depend neither on the others of its block nor on the parts that a step is done in.
struct QueryBlock {
  let segment: AttentionSegment
  let rows: Range<Int>
  let heads: Range<Int>
  /// Positions of keys, from a whole panel's first.
  let keys: Range<Int>
  /// Values from one query's rounded probabilities to the next.
  let stride: Int
  private let attention: Attention
  private let memory: MemoryBlock
  private let queryStride: Int

  /// - Parameter source: `(T, heads * headSize)`: queries, or the output's gradient.
  init(
    _ attention: Attention, _ segment: AttentionSegment, _ rows: Range<Int>, heads: Range<Int>,
    _ source: Matrix, _ recycler: BufferRecycler
  ) {
    precondition(rows.count == 1 || heads.count == 1, "QueryBlock: rows and heads")
    self.attention = attention
    self.segment = segment
    self.rows = rows
    self.heads = heads
    let visible = attention.visibleKeys(segment, rows)
    keys = visible.lowerBound / 32 * 32..<visible.upperBound
    stride = ck_bf16_filled(keys.count)
    queryStride = ck_bf16_filled(attention.headSize)
    let count = rows.count * heads.count
    memory = MemoryBlock(
      byteCount: count * (4 + 4 * keys.count + 2 * stride + 2 * queryStride), recycler: recycler)
    unsafe ck_bf16_rows(
      count, attention.headSize, source.pointer + place(source), step(source), queries, queryStride)
  }

  /// How many queries.
  var count: Int { rows.count * heads.count }

  /// `(count, keys)`: scores, and what becomes of them.
  var scores: UnsafeMutablePointer<Float> {
    unsafe memory.base.assumingMemoryBound(to: Float.self)
  }

  /// One float a query that nobody reads.
  private var unusedSums: UnsafeMutablePointer<Float> { unsafe scores + count * keys.count }

  /// `(count, keys)` with rows `stride` apart: the left factor of `sum`.
  var narrow: UnsafeMutablePointer<UInt16> {
    unsafe (memory.base + count * (4 + 4 * keys.count)).assumingMemoryBound(to: UInt16.self)
  }

  private var queries: UnsafeMutablePointer<UInt16> { unsafe narrow + count * stride }

  /// The place of the first query in a matrix of all.
  func place(_ matrix: Matrix) -> Int {
    rows.lowerBound * matrix.columns + heads.lowerBound * attention.headSize
  }

  /// Values from one query to the next there.
  private func step(_ matrix: Matrix) -> Int {
    rows.count == 1 ? attention.headSize : matrix.columns
  }

  /// `scores = queries * keys^T`, where `panels` holds keys, or values, as outputs.
  /// - Parameter part: The positions to do, from a whole panel's first; nil for all.
  func score(_ panels: HeadPanels, _ part: Range<Int>? = nil) {
    let part = part ?? keys
    var term = unsafe ck_bf16_term(
      rows: queries, stride: queryStride,
      panel: panels.pointer + part.lowerBound / 32 * panels.panelStride,
      panel_stride: panels.panelStride, depth: (attention.headSize + 1) / 2 * 2)
    unsafe ck_bf16_product(
      count, panels.width, part.count, 1, &term, nil, 0, scores + part.lowerBound - keys.lowerBound,
      keys.count)
  }

  /// Probabilities of one of its heads from the scores, rounded.
  /// - Parameter logSums: `(T, heads)`; receives the logarithms of the sums.
  func normalise(_ head: Int, logSums: Matrix?) {
    let first = (head - heads.lowerBound) * rows.count
    var (sums, sumStride) = unsafe (unusedSums + first, 1)
    if let logSums {
      unsafe sums = logSums.pointer + rows.lowerBound * attention.heads + head
      sumStride = attention.heads
    }
    unsafe ck_masked_softmax_narrow(
      rows.count, keys.count, scores + first * keys.count, attention.scale,
      segment.position(of: rows.lowerBound), keys.lowerBound, attention.window ?? .max, sums,
      sumStride, narrow + first * stride, stride)
  }

  /// `target[queries] = narrow * panels`, where `panels` holds keys, or values, as inputs.
  /// - Parameter part: The panel to do; nil for all.
  func sum(_ panels: HeadPanels, _ part: Int? = nil, into target: Matrix) {
    let first = (part ?? 0) * panels.width
    var term = unsafe ck_bf16_term(
      rows: narrow, stride: stride,
      panel: panels.pointer + (part ?? 0) * panels.panelStride + keys.lowerBound * panels.width,
      panel_stride: panels.panelStride, depth: (keys.count + 1) / 2 * 2)
    let left = attention.headSize - first
    unsafe ck_bf16_product(
      count, panels.width, part == nil ? left : min(left, panels.width), 1, &term, nil, 0,
      target.pointer + place(target) + first, step(target))
  }
}
