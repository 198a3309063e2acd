import CKernels

/// How packed keys and values are rounded.
enum PackedFormat {
  case bf16
  case f16

  var grown: ck_grow_format { self == .f16 ? CK_GROW_F16 : CK_GROW_BF16 }
}

extension AttentionFormat {
  /// How keys and values are packed for it; nil where they are floats.
  var packing: PackedFormat? {
    switch self {
    case .f32: nil
    case .f16: .f16
    case .bf16: .bf16
    }
  }
}

/// One head's keys or values, `(n, headSize)`, as a packed right factor.
@safe struct HeadPanels {
  /// The kernels' outputs of a panel.
  let width: Int
  /// Values from one panel to the next.
  let panelStride: Int
  private let block: MemoryBlock
  /// The first value's place in the block.
  private let start: Int

  /// Packs columns from `first` on of `matrix`' rows.
  /// - Parameter orientation: `transposed` makes rows the outputs (queries times keys), `plain` columns (probabilities times
  ///   values).
  init(
    _ matrix: Matrix, first: Int, headSize: Int, _ orientation: Orientation,
    _ format: PackedFormat, recycler: BufferRecycler
  ) {
    let count = matrix.rows
    let (outputs, depth) = orientation == .transposed ? (count, headSize) : (headSize, count)
    width = HeadPanels.width(orientation, headSize: headSize)
    panelStride = width * ck_bf16_filled(depth)
    let panels = (outputs + width - 1) / width
    block = MemoryBlock(byteCount: panels * panelStride * 2, recycler: recycler)
    start = 0
    guard format == .bf16 else {
      let from = unsafe matrix.pointer + first
      switch orientation {
      case .transposed:
        unsafe ck_grow_insert_outputs(
          format.grown, count, headSize, from, matrix.columns, 0, pointer, panelStride)
      case .plain:
        unsafe ck_grow_insert_inputs(
          format.grown, count, width, headSize, from, matrix.columns, 0, pointer, panelStride)
      }
      return
    }
    for panel in 0..<panels {
      let output = panel * width
      let some = min(width, outputs - output)
      let to = unsafe pointer + panel * panelStride
      let from = unsafe matrix.pointer + first
      switch orientation {
      case .transposed:
        unsafe ck_bf16_pack(
          width, some, headSize, from + output * matrix.columns, matrix.columns, to)
      case .plain:
        unsafe ck_bf16_pack_transposed(width, count, some, from + output, matrix.columns, to)
      }
    }
  }

  /// The panels that stand in `block` from value `start` on.
  init(in block: MemoryBlock, at start: Int, width: Int, panelStride: Int) {
    self.block = block
    self.start = start
    self.width = width
    self.panelStride = panelStride
  }

  /// The kernels' outputs of a panel of keys (`transposed`) or values.
  static func width(_ orientation: Orientation, headSize: Int) -> Int {
    orientation == .plain && headSize <= 16 ? 16 : 32
  }

  var pointer: UnsafeMutablePointer<UInt16> {
    unsafe block.base.assumingMemoryBound(to: UInt16.self) + start
  }
}
