import Synchronization

/// A thin right factor of products, an adapter's A or B, with the packed forms that packed products read: each is made by
/// the first product that needs it and kept as long as the factor.
public final class Factor: Sendable {
  /// The values, not written to while the factor is used.
  public let values: Matrix
  private let packed = Mutex<Packed>(Packed())

  private struct Packed {
    var plain: NarrowPanels?
    var transposed: NarrowPanels?
  }

  /// `values` as a factor.
  public init(_ values: Matrix) { self.values = values }

  /// Makes now what the first product of a forward pass would make: its packed form.
  public func prepare() { _ = panels(.transposed) }

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
