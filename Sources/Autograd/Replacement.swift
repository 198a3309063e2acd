public import Tensors

/// What an adapter puts in place of a layer's own weight or bias, for some of a batch's rows.
public struct Replacement: Sendable {
  /// The rows of the batch that it applies to.
  public var rows: Range<Int>
  /// The weight to use there, of the layer's own shape; nil leaves the layer its own.
  public var weight: FrozenWeight?
  /// The bias to use there, `(1, out)`; nil leaves the layer its own.
  public var bias: Matrix?

  /// A replacement for `rows`.
  public init(rows: Range<Int>, weight: FrozenWeight? = nil, bias: Matrix? = nil) {
    self.rows = rows
    self.weight = weight
    self.bias = bias
  }

  /// The same replacement for the part of its rows that lies in `range`, counted from the range's start; nil where none does.
  func restricted(to range: Range<Int>) -> Replacement? {
    let common = rows.clamped(to: range)
    guard !common.isEmpty else { return nil }
    var part = self
    part.rows = common.lowerBound - range.lowerBound..<common.upperBound - range.lowerBound
    return part
  }
}

/// A run of a batch's rows that share a weight, or a bias.
struct RowRun<Value> {
  let rows: Range<Int>
  let value: Value

  /// The first `count` rows in runs: each replaced one with its value, the rest with `own`.
  /// - Parameter replaced: Ranges that do not overlap.
  static func all(_ count: Int, own: Value, replaced: [(rows: Range<Int>, value: Value)])
    -> [RowRun]
  {
    guard !replaced.isEmpty else { return [RowRun(rows: 0..<count, value: own)] }
    var runs: [RowRun] = []
    var next = 0
    for (rows, value) in replaced.sorted(by: { $0.rows.lowerBound < $1.rows.lowerBound })
    where !rows.isEmpty {
      precondition(rows.lowerBound >= next && rows.upperBound <= count, "RowRun: rows overlap")
      if rows.lowerBound > next {
        runs.append(RowRun(rows: next..<rows.lowerBound, value: own))
      }
      runs.append(RowRun(rows: rows, value: value))
      next = rows.upperBound
    }
    if next < count { runs.append(RowRun(rows: next..<count, value: own)) }
    return runs
  }
}

extension [Replacement] {
  /// The first `count` rows in runs of one weight.
  func weights(of count: Int, own: FrozenWeight) -> [RowRun<FrozenWeight>] {
    RowRun.all(
      count, own: own, replaced: compactMap { part in part.weight.map { (part.rows, $0) } })
  }

  /// The first `count` rows in runs of one bias.
  func biases(of count: Int, own: Matrix?) -> [RowRun<Matrix?>] {
    RowRun.all(count, own: own, replaced: compactMap { part in part.bias.map { (part.rows, $0) } })
  }
}
