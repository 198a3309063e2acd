import Checkpoints
import Tensors

/// Keys and values of some positions of a sequence, layer by layer: a copy that never changes.
public final class KeyValueBlock: Sendable {
  /// For each layer `(count, width)`.
  let keys: [Matrix]
  let values: [Matrix]
  /// Positions.
  public let count: Int

  init(keys: [Matrix], values: [Matrix], count: Int) {
    self.keys = keys
    self.values = values
    self.count = count
  }

  /// Bytes held.
  public var byteCount: Int { keys.reduce(0) { $0 + $1.count * 8 } }
}

extension KeyValueCache {
  /// A copy of what is held of `positions`.
  public func block(_ positions: Range<Int>) -> KeyValueBlock {
    precondition(positions.upperBound <= count, "KeyValueCache: positions that are not held")
    return KeyValueBlock(
      keys: keys.map { $0.rows(positions).copied() },
      values: values.map { $0.rows(positions).copied() }, count: positions.count)
  }

  /// Writes `block` after the positions held.
  public func append(_ block: KeyValueBlock) {
    for layer in keys.indices {
      _ = extend(layer: layer, keys: block.keys[layer], values: block.values[layer])
    }
    advance(by: block.count)
  }
}

extension Model {
  /// Bytes of a cache for `tokens` positions.
  public func cacheBytes(tokens: Int) -> Int {
    configuration.layerCount * configuration.keyValueHeadCount * configuration.headSize * 8 * tokens
  }
}
