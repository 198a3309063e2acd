import CKernels

/// Keys and values of some heads in bfloat16 or float16, position by position, packed as attention's products read them.
///
/// A head's keys stand in panels of 32 positions, its values in panels of 32 (or up to 16) of a head's values
/// (`ck_grow.h`). Memory is taken as positions are written.
@safe public struct KeyValuePanels: @unchecked Sendable {
  // Safe: written only by the thread whose sequence it is; a copy is not written to once it is made.
  /// How many heads.
  public let heads: Int
  /// Values in a head.
  public let headSize: Int
  /// Positions that there is room for: whole panels of keys.
  public let capacity: Int
  private let format: PackedFormat
  private let block: MemoryBlock
  /// The first of the heads, counted from the block's beginning.
  private let first: Int

  /// Positions in a panel of keys. Copies that begin at a multiple, on both sides, are plain copies of memory.
  public static let positionsPerPanel = Int(CK_BF16_PANEL)

  /// Room for `capacity` positions or a few more, with nothing in it, for attention of this format.
  /// - Throws: `TensorError` where the system has no room for so many addresses.
  public init(heads: Int, headSize: Int, capacity: Int, format: AttentionFormat)
    throws(TensorError)
  {
    guard let packing = format.packing else {
      preconditionFailure("KeyValuePanels: floats are not packed")
    }
    self.format = packing
    self.heads = heads
    self.headSize = headSize
    self.capacity = Self.filled(capacity)
    first = 0
    block = try MemoryBlock(
      untouchedByteCount: Self.byteCount(heads: heads, headSize: headSize, positions: capacity))
  }

  private init(_ whole: KeyValuePanels, heads range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= whole.heads, "KeyValuePanels: out of bounds")
    heads = range.count
    format = whole.format
    headSize = whole.headSize
    capacity = whole.capacity
    block = whole.block
    first = whole.first + range.lowerBound
  }

  /// The view of some of the heads.
  public func heads(_ range: Range<Int>) -> KeyValuePanels { KeyValuePanels(self, heads: range) }

  /// Bytes that `positions` of `heads` take.
  public static func byteCount(heads: Int, headSize: Int, positions: Int) -> Int {
    let (width, panels) = valuePanels(headSize)
    return heads * filled(positions) * (ck_bf16_filled(headSize) + panels * width) * 2
  }

  private static func filled(_ positions: Int) -> Int {
    (max(1, positions) + positionsPerPanel - 1) / positionsPerPanel * positionsPerPanel
  }

  private static func valuePanels(_ headSize: Int) -> (width: Int, count: Int) {
    let width = HeadPanels.width(.plain, headSize: headSize)
    return (width, (headSize + width - 1) / width)
  }

  /// One head's keys.
  func keys(_ head: Int) -> HeadPanels {
    HeadPanels(
      in: block, at: start(head), width: Self.positionsPerPanel, panelStride: keyPanelStride)
  }

  /// One head's values.
  func values(_ head: Int) -> HeadPanels {
    HeadPanels(
      in: block, at: start(head) + capacity * ck_bf16_filled(headSize), width: valueWidth,
      panelStride: valuePanelStride)
  }

  /// How they are rounded.
  var grown: ck_grow_format { format.grown }
  /// Values from one panel of keys to the next.
  var keyPanelStride: Int { Self.positionsPerPanel * ck_bf16_filled(headSize) }
  /// A head's values in a panel.
  var valueWidth: Int { Self.valuePanels(headSize).width }
  /// Values from one panel of values to the next.
  var valuePanelStride: Int { capacity * valueWidth }

  /// Values from one head to the next.
  var headStride: Int {
    let (width, panels) = Self.valuePanels(headSize)
    return capacity * (ck_bf16_filled(headSize) + panels * width)
  }

  /// Where a head's keys begin, in values; its values follow them.
  private func start(_ head: Int) -> Int { (first + head) * headStride }
}

extension KeyValuePanels {
  /// Writes one head's part of the keys and values, `(n, heads * headSize)`, of the positions from `position` on, rounded to
  /// the nearest.
  public func write(head: Int, keys: Matrix, values: Matrix, at position: Int) {
    precondition(
      position >= 0 && position + keys.rows <= capacity && values.rows == keys.rows
        && keys.columns == heads * headSize && values.columns == keys.columns && head >= 0
        && head < heads,
      "KeyValuePanels: no room")
    let (to, toValues) = (self.keys(head), self.values(head))
    unsafe ck_grow_insert_outputs(
      format.grown, keys.rows, headSize, keys.pointer + head * headSize, keys.columns, position,
      to.pointer, to.panelStride)
    unsafe ck_grow_insert_inputs(
      format.grown, keys.rows, toValues.width, headSize, values.pointer + head * headSize,
      values.columns, position, toValues.pointer, toValues.panelStride)
  }

  /// Takes the memory of `positions`, whole panels that nothing stands in, before they are written: zeros.
  public func prepare(_ positions: Range<Int>) {
    precondition(
      positions.lowerBound % Self.positionsPerPanel == 0 && positions.lowerBound >= 0
        && positions.upperBound <= capacity, "KeyValuePanels: no room")
    let (width, panels) = Self.valuePanels(headSize)
    for head in 0..<heads {
      let (keys, values) = (self.keys(head), self.values(head))
      let depth = ck_bf16_filled(headSize)
      unsafe touch(keys.pointer + positions.lowerBound * depth, positions.count * depth)
      for panel in 0..<panels {
        unsafe touch(
          values.pointer + panel * values.panelStride + positions.lowerBound * width,
          positions.count * width)
      }
    }
  }

  /// Writes a zero in every page of `count` values.
  private func touch(_ values: UnsafeMutablePointer<UInt16>, _ count: Int) {
    for place in stride(from: 0, to: count, by: 2048) { unsafe values[place] = 0 }
    if count > 0 { unsafe values[count - 1] = 0 }
  }

  /// Copies `positions` of `other`, of the same heads, to the positions from `position` on.
  public func copy(_ positions: Range<Int>, of other: KeyValuePanels, to position: Int) {
    precondition(
      heads == other.heads && headSize == other.headSize && format == other.format,
      "KeyValuePanels: heads differ")
    precondition(
      positions.lowerBound >= 0 && positions.upperBound <= other.capacity && position >= 0
        && position + positions.count <= capacity, "KeyValuePanels: no room")
    for head in 0..<heads {
      let (keys, values) = (self.keys(head), self.values(head))
      let (otherKeys, otherValues) = (other.keys(head), other.values(head))
      unsafe ck_grow_copy_outputs(
        positions.count, headSize, otherKeys.pointer, positions.lowerBound, keys.pointer, position,
        keyPanelStride)
      for panel in 0..<Self.valuePanels(headSize).count {
        unsafe ck_grow_copy_inputs(
          positions.count, values.width, otherValues.pointer + panel * otherValues.panelStride,
          positions.lowerBound, values.pointer + panel * values.panelStride, position)
      }
    }
  }
}
