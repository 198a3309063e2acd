public import Tensors

/// The keys and values of one sequence, layer by layer, so that a token attends to the past without computing it again.
///
/// They are kept in bf16 where the model's weights are packed (attention reads them so in any case), else as floats. Memory is
/// taken as positions are written; where the room given at first does not do, it doubles.
///
/// With packed weights a row's logits depend on the tokens before it alone, to the bit: not on the pieces that they were fed
/// in, on which were a prompt, or on other sequences. In `f32`, whose products are BLAS's, they do so to rounding.
public final class KeyValueCache {
  private var storage: KeyValueStorage
  /// Positions that every layer holds.
  public private(set) var count = 0

  init(_ shape: KeyValueShape, capacity: Int) throws(TensorError) {
    storage = try KeyValueStorage(shape, capacity: capacity)
  }

  /// Bytes that the positions held take, as `Model.cacheBytes(tokens:)` has them.
  public var byteCount: Int { count == 0 ? 0 : storage.shape.byteCount(count) }

  /// A batch's `rows` over `layer`'s positions held and those that follow: their own, which are the same rows of `keys` and
  /// `values`, and are in the cache once attention has gone through them.
  func segment(layer: Int, rows: Range<Int>, keys: Matrix, values: Matrix) -> AttentionSegment {
    precondition(storage.capacity >= count + rows.count, "KeyValueCache: no room was made")
    return storage.segment(
      layer: layer, rows: rows, firstPosition: count, keys: keys, values: values)
  }

  /// Counts `rows` positions as held, once every layer has been extended by them.
  func advance(by rows: Int) { count += rows }

  /// Forgets everything after the first `count` positions.
  public func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

  /// A copy of `positions`, for sequences that begin with the same tokens.
  ///
  /// Quickest where they begin at a multiple of `KeyValueBlock.alignment`, and are appended at one.
  /// - Throws: `TensorError` where the system has no room for it.
  public func block(_ positions: Range<Int>) throws(TensorError) -> KeyValueBlock {
    precondition(
      positions.lowerBound >= 0 && positions.upperBound <= count,
      "KeyValueCache: positions \(positions) of \(count)")
    let copy = try KeyValueStorage(storage.shape, capacity: positions.count)
    copy.copy(positions, of: storage, to: 0)
    return KeyValueBlock(storage: copy, count: positions.count)
  }

  /// Goes on with the positions of `block`, which a cache of the same model held at the same place, after the same tokens.
  /// - Throws: `TensorError` where the system has no room for them.
  public func append(_ block: KeyValueBlock) throws(TensorError) {
    precondition(block.storage.shape == storage.shape, "KeyValueCache: a block of another model")
    try makeRoom(for: count + block.count)
    storage.copy(0..<block.count, of: block.storage, to: count)
    count += block.count
  }

  /// Makes sure that there is room for `positions` in all.
  func makeRoom(for positions: Int) throws(TensorError) {
    guard positions > storage.capacity else { return }
    let larger = try KeyValueStorage(
      storage.shape, capacity: max(positions, storage.capacity * 2))
    larger.copy(0..<count, of: storage, to: 0)
    storage = larger
  }
}

/// Keys and values of some positions of a sequence, in all layers, that do not change any more.
public struct KeyValueBlock: Sendable {
  fileprivate let storage: KeyValueStorage
  /// How many positions.
  public let count: Int

  /// Positions whose multiples are the quickest to cut at.
  public static let alignment = KeyValuePanels.positionsPerPanel

  /// Bytes held.
  public var byteCount: Int { storage.shape.byteCount(count) }
}
