import CKernels

/// Attention over packed keys and values, in bf16 or float16. A row's bits depend on its own query and on the keys and values that it sees alone: not
/// on the rows it shares a block or a batch with, nor on whether keys come from a cache.
extension Attention {
  /// Queries of a block: whole tiles of 12.
  private static let narrowBlock = 48
  /// Keys that are worth another thread's while, for one row.
  private static let sharedKeys = 512

  /// How keys and values are rounded.
  private var packing: PackedFormat {
    guard let packing = format.packing else {
      preconditionFailure("Attention: floats are not packed")
    }
    return packing
  }

  func narrowForward(
    _ queries: Matrix, _ segments: [AttentionSegment], _ output: Matrix, _ logSums: Matrix?,
    _ recycler: BufferRecycler, _ pool: WorkerPool
  ) {
    let areSingle = segments.allSatisfy { $0.rows.count == 1 }
    let areShared =
      areSingle && pool.threads > 1 && segments.count * keyValueHeads < 4 * pool.threads
      && segments.contains { visibleKeys($0, $0.rows).count >= Attention.sharedKeys }
    if areSingle, !areShared, logSums == nil, segments.allSatisfy({ $0.panels != nil }) {
      return attendCached(queries, segments, output, recycler, pool)
    }
    if segments.contains(where: \.isToBeWritten) {
      pool.forEach(segments.count * keyValueHeads) { index in
        segments[index / keyValueHeads].write(head: index % keyValueHeads)
      }
    }
    let packed = packedPasts(of: segments, recycler, pool)
    var items: [(segment: Int, rows: Range<Int>, heads: Range<Int>)] = []
    for (index, segment) in segments.enumerated() {
      for block in Attention.blocks(segment.rows, of: Attention.narrowBlock) {
        // The heads of one row that share keys go through them together.
        let together = block.count == 1 ? group : 1
        for head in stride(from: 0, to: heads, by: together) {
          items.append((index, block, head..<head + together))
        }
      }
    }
    let work = { (index: Int) in
      let item = items[index]
      let segment = segments[item.segment]
      let head = item.heads.lowerBound / group
      let past =
        segment.panels.map { Past($0, head) } ?? packed[item.segment * keyValueHeads + head]
      return (
        QueryBlock(self, segment, item.rows, heads: item.heads, queries, packing, recycler), past
      )
    }
    if areShared { return shareOut(items.indices.map(work), output, logSums, pool) }
    pool.forEach(items.count) { index in
      let (block, past) = work(index)
      block.score(past.keys)
      for head in block.heads { block.normalise(head, logSums: logSums) }
      block.sum(past.values, into: output)
    }
  }

  /// A few rows with many keys behind them, step by step, each step shared out; the bits are those of the whole.
  private func shareOut(
    _ blocks: [(queries: QueryBlock, past: Past)], _ output: Matrix, _ logSums: Matrix?,
    _ pool: WorkerPool
  ) {
    let parts = blocks.flatMap { block in
      Attention.blocks(block.queries.keys, of: Attention.sharedKeys).map { (block, $0) }
    }
    pool.forEach(parts.count) { index in
      let (block, keys) = parts[index]
      block.queries.score(block.past.keys, keys)
    }
    pool.forEach(blocks.count * group) { index in
      let block = blocks[index / group].queries
      block.normalise(block.heads.lowerBound + index % group, logSums: logSums)
    }
    let panels = (headSize + 31) / 32
    pool.forEach(blocks.count * panels) { index in
      let block = blocks[index / panels]
      block.queries.sum(block.past.values, index % panels, into: output)
    }
  }

  func narrowBackward(
    _ dy: Matrix, _ logSums: Matrix, _ queries: Matrix,
    _ segments: [AttentionSegment], _ dQueries: Matrix, _ dKeys: [Matrix], _ dValues: [Matrix],
    _ recycler: BufferRecycler, _ pool: WorkerPool
  ) {
    let panels = packed(segments, recycler, pool) { segment, head in
      let first = head * headSize
      return [
        HeadPanels(
          segment.keys, first: first, headSize: headSize, .transposed, packing, recycler: recycler),
        HeadPanels(
          segment.keys, first: first, headSize: headSize, .plain, packing,
          recycler: recycler),
        HeadPanels(
          segment.values, first: first, headSize: headSize, .transposed, packing, recycler: recycler
        ),
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
        let block = QueryBlock(
          self, segments[index], rows, heads: head..<head + 1, queries, packing, recycler)
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
    let count = rows.count
    let dKeys = unsafe part.pointer + keys.lowerBound * headSize
    let dValues = unsafe dKeys + block.segment.keys.rows * headSize
    block.score(factors[0])
    let p = unsafe block.scores
    unsafe ck_masked_softmax_again(
      count, keys.count, p, scale, block.segment.position(of: rows.lowerBound),
      keys.lowerBound, window ?? .max,
      logSums.pointer + rows.lowerBound * heads + block.heads.lowerBound, heads)
    unsafe block.take(p)
    let gradient = QueryBlock(
      self, block.segment, rows, heads: block.heads, dy, packing, recycler)
    unsafe gradient.addProducts(of: block, to: dValues)
    gradient.score(factors[2])
    let ds = unsafe gradient.scores
    let corrections = scratch(1, count, recycler)
    // Of the rounded products themselves, so that a row's gradients to its scores add up to nothing.
    unsafe ck_row_dots(
      count, keys.count, keys.count, p, ds, corrections.pointer)
    unsafe ck_softmax_backward(
      count, keys.count, p, ds, corrections.pointer, scale)
    unsafe block.take(ds)
    unsafe block.addProducts(of: block, to: dKeys)
    block.sum(factors[1], into: dQueries)
  }

  /// The keys and values of each segment and key head, by `segment * keyValueHeads + head`; none where all are packed.
  private func packedPasts(
    of segments: [AttentionSegment], _ recycler: BufferRecycler,
    _ pool: WorkerPool
  ) -> [Past] {
    guard segments.contains(where: { $0.panels == nil }) else { return [] }
    return packed(segments, recycler, pool) { segment, head in
      if let panels = segment.panels { return Past(panels, head) }
      let first = head * headSize
      return Past(
        keys: HeadPanels(
          segment.keys, first: first, headSize: headSize, .transposed, packing,
          recycler: recycler),
        values: HeadPanels(
          segment.values, first: first, headSize: headSize, .plain, packing, recycler: recycler))
    }
  }

  /// What `pack` makes of each segment and key head, by `segment * keyValueHeads + head`.
  private func packed<Factors>(
    _ segments: [AttentionSegment], _ recycler: BufferRecycler, _ pool: WorkerPool,
    _ pack: (AttentionSegment, _ head: Int) -> Factors
  ) -> [Factors] {
    let count = segments.count * keyValueHeads
    return unsafe [Factors](unsafeUninitializedCapacity: count) { buffer, filled in
      guard let places = buffer.baseAddress else { return }
      pool.forEach(count) { index in
        unsafe (places + index).initialize(
          to: pack(segments[index / keyValueHeads], index % keyValueHeads))
      }
      filled = count
    }
  }
}

/// One key head's keys and values, as attention's products read them.
private struct Past {
  let keys: HeadPanels
  let values: HeadPanels

  init(keys: HeadPanels, values: HeadPanels) {
    self.keys = keys
    self.values = values
  }

  init(_ panels: KeyValuePanels, _ head: Int) {
    self.init(keys: panels.keys(head), values: panels.values(head))
  }
}
