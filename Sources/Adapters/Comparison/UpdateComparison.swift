import Digests
import Foundation
public import Models
public import Tensors

/// How the updates of two adapters at one layer lie to each other.
public struct UpdateComparison: Sendable, Equatable {
  /// One side's update on its own.
  public struct Side: Sendable, Equatable {
    /// The Frobenius norm, `||s B A||`.
    public let norm: Double
    /// Directions that carry it: `norm^2 / largest singular value^2` (the stable rank).
    public let stableRank: Double
    /// Directions that it has, at most its rank.
    public let directions: Int
  }

  /// How two spaces of directions lie to each other.
  public struct Subspaces: Sendable, Equatable {
    /// Cosines of the principal angles, largest first; as many as the smaller space has directions.
    public let cosines: [Double]
    /// The part of the smaller space that lies in the larger: the mean of the cosines' squares, in [0, 1].
    ///
    /// Hu et al., "LoRA" (2021), section 7.2. Two random spaces of r directions in n have r / n.
    public let overlap: Double

    /// The principal angles in degrees, smallest first; float32 tells them from 0 down to about 0.03.
    public var angles: [Double] { cosines.map { acos($0) * 180 / .pi } }
  }

  /// What only both sides together have.
  public struct Relation: Sendable, Equatable {
    /// The cosine between the two updates as vectors, in [-1, 1].
    public let cosine: Double
    /// The spaces that the updates write to (columns of `B A`).
    public let output: Subspaces
    /// The spaces that they read from (rows of `B A`).
    public let input: Subspaces
  }

  /// The layer.
  public let slot: SlotInfo
  /// The first adapter's update; nil where it leaves the layer alone.
  public let first: Side?
  /// The second adapter's update; nil where it leaves the layer alone.
  public let second: Side?
  /// Both together; nil where one leaves the layer alone or changes nothing there.
  public let relation: Relation?
}

extension Adapter {
  /// Compares the updates of two adapters of one base, layer by layer, from their factors alone.
  /// - Returns: The layers that either changes, lowest first.
  /// - Throws: `AdapterError` where the bases differ.
  public static func compare(_ first: Adapter, _ second: Adapter, pool: WorkerPool)
    throws(AdapterError) -> [UpdateComparison]
  {
    guard first.baseFingerprint == second.baseFingerprint else {
      throw AdapterError(
        .badShape,
        "adapters of two bases (\(first.baseFingerprint.short), \(second.baseFingerprint.short)) "
          + "have no layer in common")
    }
    var found: [UpdateComparison] = []
    for index in Set(first.deltas.keys).union(second.deltas.keys).sorted() {
      do throws(TensorError) {
        let one = try directions(first.deltas[index], pool)
        let other = try directions(second.deltas[index], pool)
        found.append(
          UpdateComparison(
            slot: first.slots.slots[index], first: one.map(UpdateComparison.Side.init),
            second: other.map(UpdateComparison.Side.init),
            relation: try UpdateComparison.Relation(one, other, pool: pool)))
      } catch {
        throw AdapterError(.notFinite, "'\(first.slots.slots[index].path)': \(error.message)")
      }
    }
    return found
  }

  private static func directions(_ delta: LowRank?, _ pool: WorkerPool) throws(TensorError)
    -> UpdateDirections?
  {
    guard let delta else { return nil }
    return try UpdateDirections(delta, pool: pool)
  }
}

extension UpdateComparison.Side {
  init(_ directions: UpdateDirections) {
    self.init(
      norm: directions.norm, stableRank: directions.stableRank,
      directions: directions.magnitudes.count)
  }
}

extension UpdateComparison.Relation {
  /// Nil where there is no direction on a side.
  init?(_ one: UpdateDirections?, _ other: UpdateDirections?, pool: WorkerPool) throws(TensorError)
  {
    guard let one, let other, !one.magnitudes.isEmpty, !other.magnitudes.isEmpty else { return nil }
    let (rows, columns) = (one.magnitudes.count, other.magnitudes.count)
    let left = Matrix(rows: rows, columns: columns)
    left.setProduct(one.left, .transposed, other.left, .plain, pool: pool)
    let right = Matrix(rows: rows, columns: columns)
    right.setProduct(one.right, .plain, other.right, .transposed, pool: pool)
    // <U S V, U' S' V'> = sum of s_i s'_j (u_i . u'_j) (v_i . v'_j)
    var product = 0.0
    for row in 0..<rows {
      for column in 0..<columns {
        product +=
          Double(one.magnitudes[row]) * Double(other.magnitudes[column])
          * Double(left[row, column]) * Double(right[row, column])
      }
    }
    self.init(
      cosine: max(-1, min(1, product / (one.norm * other.norm))),
      output: try UpdateComparison.Subspaces(left), input: try UpdateComparison.Subspaces(right))
  }
}

extension UpdateComparison.Subspaces {
  /// - Parameter products: The inner products of two orthonormal bases: its singular values are the cosines
  ///   (Björck and Golub, 1973).
  init(_ products: Matrix) throws(TensorError) {
    let values = try products.singularValueDecomposition().values.map { min(1, Double($0)) }
    self.init(
      cosines: values, overlap: values.reduce(0) { $0 + $1 * $1 } / Double(max(1, values.count)))
  }
}
