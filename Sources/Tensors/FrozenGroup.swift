/// Frozen weights that one input is multiplied with (query, key and value; gate and up).
///
/// A base never changes, so what its products need to know of it is gathered once: counting references to it at each step would
/// take as long as a few rows' small operations.
public final class FrozenGroup: Sendable {
  /// `(out, in)` each.
  public let weights: [FrozenWeight]
  /// Values in a row that goes in.
  let inputSize: Int
  /// Values in a row that comes out of each.
  package let outputSizes: [Int]
  private let outputSize: Int
  /// Whether its products are one job of the threads: those of blocks alike, or of a weight by itself.
  package let isTogether: Bool
  /// All of them, where they are blocks alike; else empty.
  private let blocks: [BlockPanels.Weight]
  private let isPrecise: Bool

  /// A group of weights of one input size.
  public init(_ weights: [FrozenWeight]) {
    let inputs = weights[0].inputSize
    precondition(
      weights.allSatisfy { $0.inputSize == inputs }, "FrozenGroup: weights of one input size")
    self.weights = weights
    inputSize = inputs
    outputSizes = weights.map(\.outputSize)
    outputSize = outputSizes.reduce(0, +)
    let blocks = weights.compactMap { weight -> BlockPanels.Weight? in
      if case .blocks(let panels) = weight.storage { BlockPanels.Weight(panels) } else { nil }
    }
    isPrecise = blocks.first?.isPrecise ?? false
    let areAlike =
      blocks.count == weights.count
      && blocks.allSatisfy { [isPrecise] in $0.isPrecise == isPrecise }
    self.blocks = areAlike ? blocks : []
    isTogether = areAlike || weights.count == 1 && weights[0].isPacked
  }

  /// Makes the forms of `x` that the products read, and thin ones beside them where `isUpdated`, in one pass.
  package func prepare(_ x: Operand, isUpdated: Bool) {
    if blocks.isEmpty {
      weights[0].prepare(x, isUpdated: isUpdated)
    } else {
      x.prepare(FrozenWeight.forms(precisely: isPrecise, isUpdated: isUpdated))
    }
  }

  /// `y = initial + x W^T` for each weight, and what adapters add to it: the forward pass that nothing is learnt from. Each
  /// one's bits are those that it has alone.
  /// - Parameters:
  ///   - x: `(T, in)`.
  ///   - updates: Of the same `x`.
  ///   - initial: `(T, out)`, of each product; nil for zero.
  ///   - y: The products, each `(T, out)`, one below the other.
  package func apply(
    _ x: Operand, plus updates: GroupUpdates? = nil, onto initial: Matrix?, into y: Matrix,
    pool: WorkerPool
  ) {
    precondition(
      isTogether && x.columns == inputSize && y.count == x.rows * outputSize,
      "FrozenGroup: shapes differ")
    updates?.runFirsts(pool)
    if !blocks.isEmpty {
      BlockPanels.apply(
        x.blockRows(precisely: isPrecise), blocks, onto: initial, into: y,
        plus: updates?.terms ?? [], pool: pool)
    } else if case .narrow(let panels) = weights[0].storage {
      panels.apply(
        x.narrowRows, plus: updates?.terms.map(\.term) ?? [], onto: initial,
        into: y.reshaped(rows: x.rows, columns: outputSize), pool: pool)
    }
    withExtendedLifetime(updates) {}
  }
}
