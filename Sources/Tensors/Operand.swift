/// A matrix as the left factor of products, with the narrower copies that packed products read.
///
/// A copy is made by the first product that needs it and shared by the others (q, k and v; gate and up). It stays as it
/// is: the values may not be written to once they have gone into a product.
public final class Operand {
  /// The values.
  public let values: Matrix
  private let recycler: BufferRecycler
  private var narrow: NarrowRows?
  private var blocks: BlockRows?
  private var preciseBlocks: BlockRows?

  /// `values` as a factor; copies come from `recycler`.
  public init(_ values: Matrix, recycler: BufferRecycler) {
    self.values = values
    self.recycler = recycler
  }

  func narrowRows(_ pool: WorkerPool) -> NarrowRows {
    if let narrow { return narrow }
    let made = NarrowRows(values, recycler: recycler, pool: pool)
    narrow = made
    return made
  }

  func blockRows(precisely: Bool, _ pool: WorkerPool) -> BlockRows {
    if let kept = precisely ? preciseBlocks : blocks { return kept }
    let made = BlockRows(values, precisely: precisely, recycler: recycler, pool: pool)
    if precisely { preciseBlocks = made } else { blocks = made }
    return made
  }
}

/// Some rows of an operand.
public struct OperandRows {
  /// What they are rows of.
  public let operand: Operand
  /// Which.
  public let rows: Range<Int>

  /// Rows `rows` of `operand`.
  public init(_ operand: Operand, _ rows: Range<Int>) {
    self.operand = operand
    self.rows = rows
  }

  /// Their values.
  public var values: Matrix { operand.values.rows(rows) }

  func narrowRows(_ pool: WorkerPool) -> NarrowRows { operand.narrowRows(pool).rows(rows) }
}
