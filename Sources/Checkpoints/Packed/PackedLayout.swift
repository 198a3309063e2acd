import Digests
import JSON
import Tensors

/// What stands where in a file of packed weights, as the checkpoint alone tells, and the header that says so.
struct PackedLayout {
  static let magic = "LORIPACK"
  static let pageSize = 4096
  static let longestHeader = 64 << 20

  /// The matrices that are packed, in the order of their names, each with its bytes behind the header.
  private(set) var places: [(name: String, rows: StoredRows, range: Range<Int>)] = []
  /// Bytes of all matrices.
  private(set) var size = 0
  private let fingerprint: Digest
  private let weights: WeightFormat

  init(_ checkpoint: Checkpoint, fingerprint: Digest, weights: WeightFormat) throws(FormatError) {
    self.fingerprint = fingerprint
    self.weights = weights
    for name in checkpoint.tensorNames {
      guard let shape = checkpoint.shape(of: name), shape.count == 2 else { continue }
      let rows = try checkpoint.rows(of: name, rows: shape[0], columns: shape[1])
      let count = FrozenWeight.packedSize(rows, format: weights)
      guard count > 0 else { continue }
      places.append((name, rows, size..<size + count))
      size += count
    }
  }

  /// All that comes before the matrices.
  func head(_ digests: [Digest]) -> [UInt8] {
    let text = header(digests).bytes()
    let length = (16 + text.count + Self.pageSize - 1) / Self.pageSize * Self.pageSize - 16
    return Array(Self.magic.utf8) + (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      + text + [UInt8](repeating: UInt8(ascii: " "), count: length - text.count)
  }

  /// The matrices' digests that `header` names, if it is this layout's.
  func digests(in header: JSONValue) throws(FormatError) -> [Digest] {
    let digests = (header["digests"]?.arrayValue ?? []).compactMap {
      $0.stringValue.flatMap(Digest.init)
    }
    let mine = self.header(digests)
    for (key, what) in [
      ("version", "by another version of Lorikeet"), ("fingerprint", "of another checkpoint"),
      ("weights", "for other --weights"),
    ] where header[key] != nil && header[key] != mine[key] {
      throw FormatError(.unsupported, "it was packed \(what)")
    }
    guard digests.count == places.count, header == mine else {
      throw FormatError(.malformed, "its header does not list the checkpoint's matrices")
    }
    return digests
  }

  private func header(_ digests: [Digest]) -> JSONValue {
    [
      "version": .int(FrozenWeight.packingVersion), "fingerprint": .string(fingerprint.hex),
      "weights": .string(weights.rawValue),
      "matrices": .array(
        places.map {
          [
            .string($0.name), .int($0.rows.rows), .int($0.rows.columns),
            .int($0.range.lowerBound), .int($0.range.upperBound),
          ]
        }),
      "digests": .array(digests.map { .string($0.hex) }),
    ]
  }
}
