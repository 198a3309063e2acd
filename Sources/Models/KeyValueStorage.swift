import Tensors

/// What the keys and values of one sequence are, whatever their number.
struct KeyValueShape: Sendable, Equatable {
  let layers: Int
  /// Key and value heads.
  let heads: Int
  let headSize: Int
  /// What they are kept as: what attention reads.
  let format: AttentionFormat

  /// Bytes that `positions` take.
  func byteCount(_ positions: Int) -> Int {
    format != .f32
      ? KeyValuePanels.byteCount(heads: layers * heads, headSize: headSize, positions: positions)
      : positions * layers * heads * headSize * 8
  }
}

/// Room for keys and values of all layers, from position 0 on; memory is taken as they are written.
struct KeyValueStorage: Sendable {
  private enum Form {
    /// `(layers * capacity, heads * headSize)` each.
    case floats(keys: Matrix, values: Matrix)
    /// Heads of all layers, one layer after the other.
    case packed(KeyValuePanels)
  }

  let shape: KeyValueShape
  let capacity: Int
  private let form: Form

  /// Room for `capacity` positions or a few more.
  init(_ shape: KeyValueShape, capacity: Int) throws(TensorError) {
    self.shape = shape
    if shape.format != .f32 {
      let panels = try KeyValuePanels(
        heads: shape.layers * shape.heads, headSize: shape.headSize, capacity: capacity,
        format: shape.format)
      self.capacity = panels.capacity
      form = .packed(panels)
    } else {
      self.capacity = max(1, capacity)
      let (rows, width) = (shape.layers * self.capacity, shape.heads * shape.headSize)
      form = .floats(
        keys: try Matrix(untouchedRows: rows, columns: width),
        values: try Matrix(untouchedRows: rows, columns: width))
    }
  }

  /// Copies `positions` of `other`, of the same shape, to the positions from `position` on.
  func copy(_ positions: Range<Int>, of other: KeyValueStorage, to position: Int) {
    switch (form, other.form) {
    case (.floats(let keys, let values), .floats(let otherKeys, let otherValues)):
      for layer in 0..<shape.layers {
        let to = rows(layer, position..<position + positions.count)
        let from = other.rows(layer, positions)
        keys.rows(to).copy(from: otherKeys.rows(from))
        values.rows(to).copy(from: otherValues.rows(from))
      }
    case (.packed(let panels), .packed(let otherPanels)):
      panels.copy(positions, of: otherPanels, to: position)
    default: preconditionFailure("KeyValueStorage: shapes differ")
    }
  }

  /// `rows` of a batch over one layer's keys and values, which go on with theirs, rows of `keys` and `values`.
  func segment(
    layer: Int, rows: Range<Int>, firstPosition: Int, keys: Matrix, values: Matrix
  ) -> AttentionSegment {
    switch form {
    case .floats(let allKeys, let allValues):
      let own = self.rows(layer, firstPosition..<firstPosition + rows.count)
      allKeys.rows(own).copy(from: keys.rows(rows))
      allValues.rows(own).copy(from: values.rows(rows))
      let held = self.rows(layer, 0..<firstPosition + rows.count)
      return AttentionSegment(
        rows: rows, firstPosition: firstPosition, keys: allKeys.rows(held),
        values: allValues.rows(held))
    case .packed(let panels):
      let panels = panels.heads(heads(layer))
      // New memory is taken a layer at a time, ahead of need: all layers' at once would make one token in 32 a quarter slower.
      let side = KeyValuePanels.positionsPerPanel
      let next = (firstPosition / side + 1) * side
      if rows.count == 1, firstPosition % side == layer % side, next < capacity {
        panels.prepare(next..<next + side)
      }
      return AttentionSegment(
        rows: rows, firstPosition: firstPosition, panels: panels, own: (keys, values))
    }
  }

  private func rows(_ layer: Int, _ positions: Range<Int>) -> Range<Int> {
    layer * capacity + positions.lowerBound..<layer * capacity + positions.upperBound
  }

  private func heads(_ layer: Int) -> Range<Int> {
    layer * shape.heads..<(layer + 1) * shape.heads
  }
}
