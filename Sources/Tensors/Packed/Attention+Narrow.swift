import CKernels

/// Attention with products in bf16. A row's bits do not depend on the rows it shares a block or a batch with.
extension Attention {
  /// Queries of a block: whole tiles of 12.
  private static let narrowBlock = 48

  func narrowForward(
    _ queries: Matrix, _ segments: [AttentionSegment], _ output: Matrix, _ logSums: Matrix?,
    _ recycler: BufferRecycler, _ pool: WorkerPool
  ) {
    let isAlone = segments.map { $0.rows.count == 1 && logSums == nil }
    let panels = packed(segments, recycler, pool) { segment, first -> [HeadPanels] in
      guard segment.rows.count > 1 || logSums != nil else { return [] }
      return [
        HeadPanels(
          segment.keys, first: first, headSize: headSize, .transposed, recycler: recycler),
        HeadPanels(segment.values, first: first, headSize: headSize, .plain, recycler: recycler),
      ]
    }
    var items: [(segment: Int, rows: Range<Int>, head: Int)] = []
    for (index, segment) in segments.enumerated() {
      for block in Attention.blocks(segment.rows, of: Attention.narrowBlock) {
        for head in 0..<(isAlone[index] ? keyValueHeads : heads) {
          items.append((index, block, head))
        }
      }
    }
    pool.forEach(items.count) { item in
      let (index, rows, head) = items[item]
      let segment = segments[index]
      guard !isAlone[index] else {
        return attendOne(segment, rows.lowerBound, head, queries, output, recycler)
      }
      let factors = panels[index * keyValueHeads + head / group]
      let block = QueryBlock(self, segment, rows, head, queries, recycler)
      let unused = logSums == nil ? scratch(1, rows.count * heads, recycler) : nil
      block.score(factors[0])
      let p = MemoryBlock(byteCount: rows.count * block.stride * 2, recycler: recycler)
      let narrow = unsafe p.base.assumingMemoryBound(to: UInt16.self)
      let sums = logSums?.rows(rows) ?? unused
      if let sums {
        unsafe ck_masked_softmax_narrow(
          rows.count, block.keys.count, block.scratch.pointer, scale,
          segment.position(of: rows.lowerBound), block.keys.lowerBound, window ?? .max,
          sums.pointer + head, heads, narrow, block.stride)
      }
      unsafe block.sum(narrow, factors[1], into: output)
    }
  }

  func narrowBackward(
    _ dy: Matrix, _ logSums: Matrix, _ queries: Matrix,
    _ segments: [AttentionSegment], _ dQueries: Matrix, _ dKeys: [Matrix], _ dValues: [Matrix],
    _ recycler: BufferRecycler, _ pool: WorkerPool
  ) {
    let panels = packed(segments, recycler, pool) { segment, first in
      [
        HeadPanels(
          segment.keys, first: first, headSize: headSize, .transposed, recycler: recycler),
        HeadPanels(segment.keys, first: first, headSize: headSize, .plain, recycler: recycler),
        HeadPanels(
          segment.values, first: first, headSize: headSize, .transposed, recycler: recycler),
      ]
    }
    // Heads of a group share keys: each makes its own part of their gradient, and parts are added in the heads' order.
    let parts = segments.map { segment in
      Matrix(
        rows: heads, columns: 2 * segment.keys.rows * headSize, recycler: recycler)
    }
    pool.forEach(segments.count * heads) { item in
      let (index, head) = (item / heads, item % heads)
      let part = parts[index].rows(head..<head + 1)
      part.fill(0)
      let factors = panels[index * keyValueHeads + head / group]
      for rows in Attention.blocks(segments[index].rows, of: Attention.narrowBlock) {
        let block = QueryBlock(self, segments[index], rows, head, queries, recycler)
        narrowBackward(block, factors, dy, logSums, queries, dQueries, part, recycler)
      }
    }
    pool.forEach(segments.count * keyValueHeads) { item in
      let (index, keyValueHead) = (item / keyValueHeads, item % keyValueHeads)
      let count = segments[index].keys.rows
      for head in keyValueHead * group..<(keyValueHead + 1) * group {
        for (half, whole) in [dKeys[index], dValues[index]].enumerated() {
          for row in 0..<count {
            unsafe ck_add(
              headSize,
              parts[index].pointer + ((head * 2 + half) * count + row) * headSize,
              whole.pointer + row * whole.columns + keyValueHead * headSize)
          }
        }
      }
    }
  }

  /// One block's part: `dV += P^T dY; dP = dY V^T; dS = P (dP - dot(P, dP)) scale; dQ = dS K; dK += dS^T Q`.
  private func narrowBackward(
    _ block: QueryBlock, _ factors: [HeadPanels], _ dy: Matrix, _ logSums: Matrix,
    _ queries: Matrix, _ dQueries: Matrix, _ part: Matrix,
    _ recycler: BufferRecycler
  ) {
    let (rows, keys) = (block.rows, block.keys)
    let (count, width) = (rows.count, queries.columns)
    let place = rows.lowerBound * width + block.head * headSize
    let own = keys.lowerBound * headSize
    block.score(factors[0])
    let p = block.scratch
    unsafe ck_masked_softmax_again(
      count, keys.count, p.pointer, scale, block.segment.position(of: rows.lowerBound),
      keys.lowerBound, window ?? .max, logSums.pointer + rows.lowerBound * heads + block.head,
      heads)
    unsafe ck_outer(
      count, keys.count, headSize, p.pointer, keys.count, dy.pointer + place, width,
      part.pointer + block.segment.keys.rows * headSize + own, headSize, 1)
    let gradient = QueryBlock(self, block.segment, rows, block.head, dy, recycler)
    gradient.score(factors[2])
    let ds = gradient.scratch
    let corrections = scratch(1, count, recycler)
    // Of the rounded products themselves, so that a row's gradients to its scores add up to nothing.
    unsafe ck_row_dots(
      count, keys.count, keys.count, p.pointer, ds.pointer, corrections.pointer)
    unsafe ck_softmax_backward(
      count, keys.count, p.pointer, ds.pointer, corrections.pointer, scale)
    unsafe ck_outer(
      count, keys.count, headSize, ds.pointer, keys.count, queries.pointer + place, width,
      part.pointer + own, headSize, 1)
    let narrow = MemoryBlock(byteCount: count * block.stride * 2, recycler: recycler)
    let rounded = unsafe narrow.base.assumingMemoryBound(to: UInt16.self)
    unsafe ck_bf16_rows(
      count, keys.count, ds.pointer, keys.count, rounded, block.stride)
    unsafe block.sum(rounded, factors[1], into: dQueries)
  }

  /// What `pack` makes of each segment and key head, by `segment * keyValueHeads + head`.
  private func packed(
    _ segments: [AttentionSegment], _ recycler: BufferRecycler, _ pool: WorkerPool,
    _ pack: (AttentionSegment, Int) -> [HeadPanels]
  ) -> [[HeadPanels]] {
    let count = segments.count * keyValueHeads
    return unsafe [[HeadPanels]](unsafeUninitializedCapacity: count) { buffer, filled in
      guard let places = buffer.baseAddress else { return }
      pool.forEach(count) { index in
        let panels = pack(
          segments[index / keyValueHeads], index % keyValueHeads * headSize)
        unsafe (places + index).initialize(to: panels)
      }
      filled = count
    }
  }
}

/// Some queries of one head, in bf16, the keys that they see, and room for their scores.
private struct QueryBlock {
  let segment: AttentionSegment
  let rows: Range<Int>
  let head: Int
  /// Positions of keys, from a whole panel's first.
  let keys: Range<Int>
  /// Values from one row of probabilities to the next.
  let stride: Int
  /// `(rows, keys)`.
  let scratch: Matrix
  private let queries: MemoryBlock
  private let headSize: Int
  private let queryStride: Int

  /// - Parameter source: `(T, heads * headSize)`: queries, or the output's gradient.
  init(
    _ attention: Attention, _ segment: AttentionSegment, _ rows: Range<Int>, _ head: Int,
    _ source: Matrix, _ recycler: BufferRecycler
  ) {
    self.segment = segment
    self.rows = rows
    self.head = head
    let visible = attention.visibleKeys(segment, rows)
    keys = visible.lowerBound / 32 * 32..<visible.upperBound
    stride = ck_bf16_filled(keys.count)
    scratch = attention.scratch(rows.count, keys.count, recycler)
    headSize = attention.headSize
    queryStride = ck_bf16_filled(headSize)
    queries = MemoryBlock(byteCount: rows.count * queryStride * 2, recycler: recycler)
    unsafe ck_bf16_rows(
      rows.count, headSize, source.pointer + rows.lowerBound * source.columns + head * headSize,
      source.columns, queries.base.assumingMemoryBound(to: UInt16.self), queryStride)
  }

  /// `scratch = rows * keys^T`, where `panels` holds keys, or values, as outputs.
  func score(_ panels: HeadPanels) {
    var term = unsafe ck_bf16_term(
      rows: queries.base.assumingMemoryBound(to: UInt16.self), stride: queryStride,
      panel: panels.pointer + keys.lowerBound / 32 * panels.panelStride,
      panel_stride: panels.panelStride, depth: (headSize + 1) / 2 * 2)
    unsafe ck_bf16_product(
      rows.count, panels.width, keys.count, 1, &term, nil, 0, scratch.pointer, keys.count)
  }

  /// `target[rows, head] = left * panels`, where `panels` holds keys, or values, as inputs.
  func sum(_ left: UnsafePointer<UInt16>, _ panels: HeadPanels, into target: Matrix) {
    var term = unsafe ck_bf16_term(
      rows: left, stride: stride, panel: panels.pointer + keys.lowerBound * panels.width,
      panel_stride: panels.panelStride, depth: (keys.count + 1) / 2 * 2)
    let place = rows.lowerBound * target.columns + head * headSize
    unsafe ck_bf16_product(
      rows.count, panels.width, headSize, 1, &term, nil, 0, target.pointer + place, target.columns)
  }
}
