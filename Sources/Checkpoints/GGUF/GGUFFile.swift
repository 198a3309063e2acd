public import Tensors

/// A GGUF file, version 2 or 3: metadata, then tensor descriptions, then aligned tensor bytes.
///
/// Layout (ggml's `gguf.md`): "GGUF", u32 version, u64 tensors, u64 entries; each entry a key, a type and a value;
/// each tensor a name, u32 dimensions, u64 sizes fastest first, u32 type, u64 offset.
public struct GGUFFile: Sendable {
  /// The container's version.
  public let version: Int
  /// The metadata by key.
  public let metadata: [String: GGUFValue]
  /// The tensors in the order of the file, shapes slowest first.
  public let tensors: [StoredTensor]
  /// Alignment of the tensors' bytes.
  public let alignment: Int

  /// Maps and checks the file at `path`.
  public static func open(path: String) throws(FormatError) -> GGUFFile {
    let bytes = try mapFile(path)
    do throws(FormatError) {
      return try GGUFFile(parsing: bytes)
    } catch {
      throw error.inFile(path)
    }
  }

  /// Whether `bytes` begin as a GGUF file does.
  public static func recognises(_ bytes: Bytes) -> Bool {
    bytes.load(at: 0, as: UInt32.self) == 0x4655_4747  // "GGUF"
  }

  /// Checks `bytes`, a whole file, and finds its tensors; their bytes are shared, not copied.
  public init(parsing bytes: Bytes) throws(FormatError) {
    guard GGUFFile.recognises(bytes) else {
      throw FormatError(.malformed, "not a GGUF file: it does not begin with 'GGUF'", offset: 0)
    }
    var cursor = GGUFCursor(bytes)
    try cursor.skip(4, "the magic")
    let version: UInt32 = try cursor.number("the version")
    guard version == 2 || version == 3 else {
      throw FormatError(
        .unsupported,
        version & 0xFFFF == 0 && version != 0
          ? "a big-endian GGUF file; little-endian ones are supported"
          : "GGUF version \(version); versions 2 and 3 are supported", offset: 4)
    }
    self.version = Int(version)
    // The smallest tensor description takes 32 bytes, the smallest entry 13.
    let tensorCount = try cursor.count("the number of tensors", limit: cursor.remaining / 32)
    let entryCount = try cursor.count("the number of entries", limit: cursor.remaining / 13)
    metadata = try GGUFFile.entries(entryCount, &cursor)
    alignment = try GGUFFile.alignment(metadata)
    var infos: [TensorInfo] = []
    infos.reserveCapacity(tensorCount)
    for _ in 0..<tensorCount { infos.append(try TensorInfo(&cursor)) }
    let padding = (alignment - cursor.at % alignment) % alignment
    // A file without tensors may end right behind its descriptions.
    let start = tensorCount == 0 ? min(bytes.count, cursor.at + padding) : cursor.at + padding
    guard start <= bytes.count else {
      throw FormatError(.truncated, "the GGUF file ends before its tensors", offset: cursor.at)
    }
    tensors = try GGUFFile.place(infos, in: bytes[start..<bytes.count], alignment: alignment)
  }

  private static func entries(
    _ count: Int, _ cursor: inout GGUFCursor
  ) throws(FormatError) -> [String: GGUFValue] {
    var metadata: [String: GGUFValue] = [:]
    for _ in 0..<count {
      let start = cursor.at
      let key = try cursor.string("a key")
      let type = try cursor.type("'\(shown(key))'")
      guard metadata.updateValue(try cursor.value(type, depth: 0), forKey: key) == nil else {
        throw FormatError(.malformed, "the key '\(shown(key))' stands twice", offset: start)
      }
    }
    return metadata
  }

  private static func alignment(_ metadata: [String: GGUFValue]) throws(FormatError) -> Int {
    guard let value = metadata["general.alignment"] else { return 32 }  // the format's default
    guard let alignment = value.intValue, (1...65_536).contains(alignment),
      alignment & (alignment - 1) == 0
    else { throw FormatError(.malformed, "general.alignment is no power of two up to 65536") }
    return alignment
  }

  private static func place(
    _ infos: [TensorInfo], in data: Bytes, alignment: Int
  ) throws(FormatError) -> [StoredTensor] {
    var names = Set<String>()
    var tensors: [StoredTensor] = []
    tensors.reserveCapacity(infos.count)
    for info in infos {
      let name = shown(info.name)
      guard names.insert(info.name).inserted else {
        throw FormatError(.malformed, "the tensor '\(name)' stands twice")
      }
      guard info.offset % alignment == 0 else {
        throw FormatError(
          .malformed,
          "the tensor '\(name)' begins at \(info.offset), off the alignment \(alignment)")
      }
      guard info.offset <= data.count, data.count - info.offset >= info.byteCount else {
        throw FormatError(
          .truncated,
          "the tensor '\(name)' takes \(info.byteCount) bytes from \(info.offset) of \(data.count): the file is cut short"
        )
      }
      tensors.append(
        StoredTensor(
          name: info.name, dtype: info.dtype, shape: info.shape,
          bytes: data[info.offset..<info.offset + info.byteCount]))
    }
    var end = 0
    for info in infos.sorted(by: { $0.offset < $1.offset }) {
      guard info.offset >= end else {
        throw FormatError(
          .malformed, "the tensor '\(shown(info.name))' overlaps the one before it")
      }
      end = info.offset + info.byteCount
    }
    return tensors
  }
}

/// A tensor's description, checked against itself.
private struct TensorInfo {
  let name: String
  let dtype: DType
  let shape: [Int]
  let offset: Int
  let byteCount: Int

  init(_ cursor: inout GGUFCursor) throws(FormatError) {
    let start = cursor.at
    name = try cursor.string("a tensor's name")
    let what = "the tensor '\(shown(name))'"
    let dimensions: UInt32 = try cursor.number(what)
    guard (1...4).contains(dimensions) else {
      throw FormatError(.malformed, "\(what) has \(dimensions) dimensions", offset: start)
    }
    var sizes: [Int] = []
    for _ in 0..<dimensions {
      let size = Int(exactly: try cursor.number(what, as: UInt64.self)) ?? 0
      guard size > 0 else {
        throw FormatError(.malformed, "\(what) has a bad shape", offset: start)
      }
      sizes.append(size)
    }
    shape = sizes.reversed()
    let type: UInt32 = try cursor.number(what)
    guard let dtype = DType(ggmlType: type) else {
      throw FormatError(
        .unsupported, "\(what) is stored as \(DType.ggmlName(type)), which is not supported",
        offset: start)
    }
    self.dtype = dtype
    guard let byteCount = StoredTensor.byteCount(dtype: dtype, shape: shape) else {
      throw FormatError(
        .malformed, "\(what) has the shape \(shape), which \(dtype.rawValue) cannot hold",
        offset: start)
    }
    self.byteCount = byteCount
    let offset: UInt64 = try cursor.number(what)
    guard offset <= UInt64(Int.max) else {
      throw FormatError(.truncated, "\(what) begins past the end of the file", offset: start)
    }
    self.offset = Int(offset)
  }
}
