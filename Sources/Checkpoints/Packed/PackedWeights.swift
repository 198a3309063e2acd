public import Digests
import JSON
public import Tensors

/// A checkpoint's matrices in the kernels' layout, mapped from a file that `write` made: nothing is left to pack, and
/// processes share the memory.
///
/// The file: 8 bytes of magic; `u64 N`; N bytes of JSON, filled up with spaces to a whole page; then the matrices without
/// gaps. The JSON has to be, but for the digests, what this program would write for the same checkpoint: so no size and no
/// offset is taken from the file.
public struct PackedWeights: Sendable {
  private let path: String
  private let matrices: [String: Bytes]
  private let digests: BackgroundCheck

  /// Maps the file at `path`, and begins to take its matrices' digests on other threads: see `check`.
  /// - Parameters:
  ///   - fingerprint: The checkpoint's.
  ///   - weights: How its matrices are to be held.
  /// - Throws: `FormatError`: `unsupported` where the file is of another checkpoint, format or version.
  public init(
    path: String, of checkpoint: Checkpoint, fingerprint: Digest, weights: WeightFormat
  ) throws(FormatError) {
    let layout = try PackedLayout(checkpoint, fingerprint: fingerprint, weights: weights)
    do throws(FormatError) {
      let bytes = try mapFile(path)
      let (digests, data) = try PackedWeights.parts(of: bytes, layout)
      let places = layout.places.map { (name: $0.name, bytes: data[$0.range]) }
      self.path = path
      matrices = Dictionary(uniqueKeysWithValues: places.map { ($0.name, $0.bytes) })
      self.digests = BackgroundCheck(count: places.count) { index in
        Digest.of(places[index].bytes) == digests[index] ? nil : places[index].name
      }
    } catch {
      throw PackedWeights.told(error, of: path)
    }
  }

  /// The matrix called `name`, or nil where it is held as floats.
  public subscript(name: String) -> Bytes? { matrices[name] }

  /// Waits until all digests are taken: to be called before anything is made of the matrices.
  /// - Throws: `FormatError` where one is not the one that was written down.
  public func check() throws(FormatError) {
    guard let name = digests.wait() else { return }
    throw PackedWeights.told(
      FormatError(.malformed, "the matrix '\(name)' has another SHA-256 than was written down"),
      of: path)
  }

  /// The digests that the header names, and the bytes of all matrices.
  private static func parts(
    of bytes: Bytes, _ layout: PackedLayout
  ) throws(FormatError) -> ([Digest], Bytes) {
    guard let length = bytes.load(at: 8, as: UInt64.self),
      bytes[0..<8].text == PackedLayout.magic
    else { throw FormatError(.malformed, "it does not begin with '\(PackedLayout.magic)'") }
    guard length <= UInt64(min(PackedLayout.longestHeader, bytes.count - 16)) else {
      throw FormatError(.truncated, "its header of \(length) bytes goes past its end")
    }
    let start = 16 + Int(length)
    let text = unsafe bytes[16..<start].withUnsafeBytes { unsafe [UInt8]($0) }
    let header: JSONValue
    do throws(JSONError) { header = try JSONValue(parsing: text, maximumDepth: 4) } catch {
      throw FormatError(.malformed, "its header is damaged: \(error.reason)")
    }
    let digests = try layout.digests(in: header)
    guard start % PackedLayout.pageSize == 0 else {
      throw FormatError(.malformed, "its matrices begin within a page")
    }
    let count = bytes.count - start
    guard count == layout.size else {
      throw FormatError(
        .truncated, "it holds \(count) bytes of matrices where \(layout.size) belong")
    }
    return (digests, bytes[start..<bytes.count])
  }

  private static func told(_ error: FormatError, of path: String) -> FormatError {
    FormatError(
      error.code,
      "the packed base '\(path)': \(error.message); 'lorikeet base pack' writes it anew, with --remove takes it away"
    )
  }
}

extension PackedWeights {
  /// Packs the matrices of `checkpoint`, one at a time, into a file at `path`, which appears whole or not at all.
  /// - Returns: Bytes of the file, and how long it took to pack the matrices.
  /// - Throws: `TensorError` where it cannot be written.
  public static func write(
    _ checkpoint: Checkpoint, fingerprint: Digest, weights: WeightFormat, to path: String,
    pool: WorkerPool
  ) throws -> (size: Int, packing: Duration) {
    let layout = try PackedLayout(checkpoint, fingerprint: fingerprint, weights: weights)
    let file = try NewFile(place: path)
    let empty = layout.places.map { _ in Digest.of("") }
    let start = layout.head(empty).count
    var digests: [Digest] = []
    var packing = Duration.zero
    for place in layout.places {
      let began = ContinuousClock.now
      let weight = FrozenWeight(place.rows, format: weights, arena: WeightArena(), pool: pool)
      packing += began.duration(to: .now)
      guard let bytes = weight.packedBytes, bytes.count == place.range.count else {
        preconditionFailure("PackedWeights: '\(place.name)' is packed otherwise than planned")
      }
      digests.append(Digest.of(bytes))
      try file.write(bytes, at: start + place.range.lowerBound)
    }
    try file.write(Bytes(layout.head(digests)), at: 0)
    try file.moveIntoPlace()
    return (start + layout.size, packing)
  }
}

extension Digest {
  /// The digest of bytes, which are not copied.
  package static func of(_ bytes: Bytes) -> Digest {
    var hasher = SHA256()
    unsafe bytes.withUnsafeBytes { unsafe hasher.update($0) }
    return hasher.finish()
  }
}
