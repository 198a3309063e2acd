import Synchronization

/// A thin right factor of products, an adapter's A or B.
public struct Factor: Sendable {
  private enum Form {
    /// As floats, with the packed forms that packed products read: each is made by the first product that needs it and
    /// kept as long as the factor.
    case floats(FloatFactor)
    /// As products with its transpose read it, and no more; and the bytes behind it that are read soon after.
    case packed(NarrowPanels, behind: Int)
  }

  private let form: Form

  /// `values`, not written to while the factor is used.
  public init(_ values: Matrix) { form = .floats(FloatFactor(values)) }

  /// `values` in bf16, for forward passes over packed weights alone; the floats are not kept.
  ///
  /// Factors of one adapter that lie in one arena have one owner, which stays in the processor's caches: counting
  /// references to thousands of owners would cost a step of many adapters more than their products.
  /// - Parameter behind: Bytes that will be packed into the arena behind it and are read soon after it.
  public init(packing values: Matrix, behind: Int = 0, in arena: WeightArena) {
    form = .packed(NarrowPanels(values, arena: arena), behind: behind)
  }

  /// Bytes behind a packed one that are read soon after it.
  var behind: Int {
    if case .packed(_, let behind) = form { behind } else { 0 }
  }

  /// Bytes that a factor of this shape takes when packed.
  public static func packedSize(_ values: Matrix) -> Int {
    WeightArena.rounded(NarrowPanels.byteCount(values.rows, values.columns))
  }

  /// Rows of its values.
  public var rows: Int {
    switch form {
    case .floats(let factor): factor.values.rows
    case .packed(let panels, _): panels.outputs
    }
  }

  /// Columns of its values.
  public var columns: Int {
    switch form {
    case .floats(let factor): factor.values.columns
    case .packed(let panels, _): panels.inputs
    }
  }

  /// The values, for products in floats.
  public var values: Matrix {
    guard case .floats(let factor) = form else {
      preconditionFailure("Factor: a packed one has no floats")
    }
    return factor.values
  }

  func panels(_ orientation: Orientation) -> NarrowPanels {
    switch form {
    case .floats(let factor): return factor.panels(orientation)
    case .packed(let panels, _):
      precondition(orientation == .transposed, "Factor: packed for the forward pass alone")
      return panels
    }
  }
}

private final class FloatFactor: Sendable {
  let values: Matrix
  private let packed = Mutex<Packed>(Packed())

  private struct Packed {
    var plain: NarrowPanels?
    var transposed: NarrowPanels?
  }

  init(_ values: Matrix) { self.values = values }

  func panels(_ orientation: Orientation) -> NarrowPanels {
    packed.withLock { packed in
      switch orientation {
      case .plain:
        let panels = packed.plain ?? NarrowPanels(values, .plain)
        packed.plain = panels
        return panels
      case .transposed:
        let panels = packed.transposed ?? NarrowPanels(values, .transposed)
        packed.transposed = panels
        return panels
      }
    }
  }
}
