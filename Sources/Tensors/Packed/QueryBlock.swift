import CKernels

/// Some queries, the keys that they see, and room for their scores: several rows of one head, or one row of
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
  private let stride: Int
  private let attention: Attention
  private let format: PackedFormat
  private let source: Matrix
  private let memory: MemoryBlock
  private let queryStride: Int

  /// - Parameters:
  ///   - source: `(T, heads * headSize)`: queries, or the output's gradient.
  ///   - format: What they are multiplied with; in bf16 they and their probabilities are rounded too.
  init(
    _ attention: Attention, _ segment: AttentionSegment, _ rows: Range<Int>, heads: Range<Int>,
    _ source: Matrix, _ format: PackedFormat, _ recycler: BufferRecycler
  ) {
    precondition(rows.count == 1 || heads.count == 1, "QueryBlock: rows and heads")
    self.attention = attention
    self.segment = segment
    self.rows = rows
    self.heads = heads
    self.format = format
    self.source = source
    let visible = attention.visibleKeys(segment, rows)
    keys = visible.lowerBound / 32 * 32..<visible.upperBound
    stride = ck_bf16_filled(keys.count)
    queryStride = ck_bf16_filled(attention.headSize)
    let narrow = format == .bf16 ? 2 * (stride + queryStride) : 0
    memory = MemoryBlock(
      byteCount: rows.count * heads.count * (4 + 4 * keys.count + narrow), recycler: recycler)
    guard format == .bf16 else { return }
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

  /// `(count, keys)` with rows `stride` apart: the left factor of `sum` in bf16.
  private var narrow: UnsafeMutablePointer<UInt16> {
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
    guard format == .bf16 else {
      return unsafe ck_f16_product(
        count, panels.width, part.count, source.pointer + place(source), step(source),
        panels.pointer + part.lowerBound / 32 * panels.panelStride, panels.panelStride,
        attention.headSize, scores + part.lowerBound - keys.lowerBound, keys.count)
    }
    var term = unsafe ck_bf16_term(
      rows: queries, stride: queryStride,
      panel: panels.pointer + part.lowerBound / 32 * panels.panelStride,
      panel_stride: panels.panelStride, depth: (attention.headSize + 1) / 2 * 2)
    unsafe ck_bf16_product(
      count, panels.width, part.count, 1, &term, nil, 0, scores + part.lowerBound - keys.lowerBound,
      keys.count)
  }

  /// Probabilities of one of its heads from the scores: in their place, or rounded to bf16 in `narrow`.
  /// - Parameter logSums: `(T, heads)`; receives the logarithms of the sums.
  func normalise(_ head: Int, logSums: Matrix?) {
    let first = (head - heads.lowerBound) * rows.count
    var (sums, sumStride) = unsafe (unusedSums + first, 1)
    if let logSums {
      unsafe sums = logSums.pointer + rows.lowerBound * attention.heads + head
      sumStride = attention.heads
    }
    guard format == .bf16 else {
      return unsafe ck_masked_softmax(
        rows.count, keys.count, scores + first * keys.count, attention.scale,
        segment.position(of: rows.lowerBound), keys.lowerBound, attention.window ?? .max, sums,
        sumStride)
    }
    unsafe ck_masked_softmax_narrow(
      rows.count, keys.count, scores + first * keys.count, attention.scale,
      segment.position(of: rows.lowerBound), keys.lowerBound, attention.window ?? .max, sums,
      sumStride, narrow + first * stride, stride)
  }

  /// Lets `weights`, `(count, keys)`, stand where the probabilities did, as a factor of `sum` and `addProducts`.
  func take(_ weights: UnsafePointer<Float>) {
    guard format == .bf16 else {
      if unsafe weights != scores {
        unsafe scores.update(from: weights, count: count * keys.count)
      }
      return
    }
    unsafe ck_bf16_rows(count, keys.count, weights, keys.count, narrow, stride)
  }

  /// `sums[key] += sum over queries of weight * source`, of the weights that `block` took last: `(keys, headSize)`.
  func addProducts(of block: QueryBlock, to sums: UnsafeMutablePointer<Float>) {
    let headSize = attention.headSize
    guard format == .bf16 else {
      return unsafe ck_outer(
        count, keys.count, headSize, block.scores, keys.count, source.pointer + place(source),
        step(source), sums, headSize, 1)
    }
    unsafe ck_outer_narrow(
      count, keys.count, headSize, block.narrow, block.stride, queries, queryStride, sums, headSize,
      1)
  }

  /// `target[queries] = probabilities * panels`, where `panels` holds keys, or values, as inputs.
  /// - Parameter part: The panel to do; nil for all.
  func sum(_ panels: HeadPanels, _ part: Int? = nil, into target: Matrix) {
    let first = (part ?? 0) * panels.width
    let columns = part == nil ? attention.headSize : min(attention.headSize - first, panels.width)
    let from =
      unsafe panels.pointer + (part ?? 0) * panels.panelStride
      + keys.lowerBound * panels.width
    let to = unsafe target.pointer + place(target) + first
    guard format == .bf16 else {
      return unsafe ck_f16_product(
        count, panels.width, columns, scores, keys.count, from, panels.panelStride, keys.count, to,
        step(target))
    }
    var term = unsafe ck_bf16_term(
      rows: narrow, stride: stride,
      panel: from, panel_stride: panels.panelStride, depth: (keys.count + 1) / 2 * 2)
    unsafe ck_bf16_product(
      count, panels.width, columns, 1, &term, nil, 0, to, step(target))
  }
}
