import Checkpoints
import Tensors

/// The keys and values of one sequence, layer by layer, so that a token attends to the past without computing it again.
///
/// Storage doubles as the sequence grows.
public final class KeyValueCache {
  private(set) var keys: [Matrix]
  private(set) var values: [Matrix]
  private let width: Int
  private var capacity: Int
  /// Positions that every layer holds.
  public private(set) var count = 0

  init(layers: Int, width: Int, capacity: Int) {
    self.width = width
    self.capacity = max(1, capacity)
    keys = (0..<layers).map { _ in Matrix(rows: max(1, capacity), columns: width) }
    values = (0..<layers).map { _ in Matrix(rows: max(1, capacity), columns: width) }
  }

  /// Bytes held.
  public var byteCount: Int { keys.count * capacity * width * 8 }

  /// Writes the rows that follow `count` into `layer` and returns all of its keys and values so far.
  func extend(layer: Int, keys newKeys: Matrix, values newValues: Matrix) -> (Matrix, Matrix) {
    let end = count + newKeys.rows
    if end > capacity { grow(to: max(end, capacity * 2)) }
    keys[layer].rows(count..<end).copy(from: newKeys)
    values[layer].rows(count..<end).copy(from: newValues)
    return (keys[layer].rows(0..<end), values[layer].rows(0..<end))
  }

  /// Counts `rows` positions as held, once every layer has been extended by them.
  func advance(by rows: Int) { count += rows }

  /// Forgets everything after the first `count` positions.
  public func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

  private func grow(to newCapacity: Int) {
    func grown(_ old: Matrix) -> Matrix {
      let new = Matrix(rows: newCapacity, columns: width)
      new.rows(0..<old.rows).copy(from: old)
      return new
    }
    keys = keys.map(grown)
    values = values.map(grown)
    capacity = newCapacity
  }
}
