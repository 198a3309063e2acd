import CKernels

/// A step of decoding: one row of each of several sequences over its packed keys and values.
extension Attention {
  /// Each row's bits are those that it has in a block of rows. What its own position holds is written on the way: nothing else
  /// reads that in this pass.
  func attendCached(
    _ queries: Matrix, _ segments: [AttentionSegment], _ output: Matrix,
    _ recycler: BufferRecycler, _ pool: WorkerPool
  ) {
    guard let first = segments.first?.panels else { return }
    let shape = ck_cached_shape(
      format: first.grown, heads: group, head_size: headSize, scale: scale, window: window ?? .max,
      key_panel_stride: first.keyPanelStride, value_width: first.valueWidth)
    // Plain values: counting references in every item would take as long as a short row.
    let rows = unsafe segments.map { unsafe cachedRow($0, queries, output) }
    unsafe withUnsafePointer(to: shape) { shape in
      let sizes = unsafe rows.map { unsafe ck_attend_cached_bytes(shape, $0.position) }
      let scratch = WeightArena.rounded(sizes.max() ?? 0)
      let items = segments.count * keyValueHeads
      let memory = MemoryBlock(byteCount: items * scratch, recycler: recycler)
      unsafe rows.withUnsafeBufferPointer { rows in
        pool.forEach(items) { item in
          let (row, head) = item.quotientAndRemainder(dividingBy: keyValueHeads)
          unsafe ck_attend_cached(
            shape, rows.baseAddress.unsafelyUnwrapped + row, head, memory.base + item * scratch)
        }
      }
      withExtendedLifetime(memory) {}
    }
    withExtendedLifetime(segments) {}
  }

  private func cachedRow(_ segment: AttentionSegment, _ queries: Matrix, _ output: Matrix)
    -> ck_cached_row
  {
    guard let panels = segment.panels else {
      preconditionFailure("Attention: a row's keys are not packed")
    }
    let row = segment.rows.lowerBound
    precondition(
      panels.heads == keyValueHeads && panels.headSize == headSize && row < queries.rows
        && queries.columns == heads * headSize && output.count == queries.count,
      "Attention: shapes differ")
    let own = unsafe segment.ownRow(columns: keyValueHeads * headSize)
    return unsafe ck_cached_row(
      position: segment.firstPosition, queries: queries.pointer + row * queries.columns,
      key: own?.key, value: own?.value, keys: panels.keys(0).pointer,
      values: panels.values(0).pointer, head_stride: panels.headStride,
      value_panel_stride: panels.valuePanelStride, out: output.pointer + row * output.columns)
  }
}
