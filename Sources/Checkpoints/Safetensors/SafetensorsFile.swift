import JSON
public import Tensors

/// A safetensors file: `u64 N`, N bytes of JSON that name the tensors, then their bytes without gaps.
///
/// The format and its checks are those of the safetensors library (huggingface/safetensors, `tensor.rs`).
public struct SafetensorsFile: Sendable {
  /// The tensors in the order of their bytes.
  public let tensors: [StoredTensor]
  /// The `__metadata__` entries.
  public let metadata: [String: String]
  private let positions: [String: Int]

  /// Longest header that the library reads.
  static let longestHeader = 100_000_000

  /// Maps and checks the file at `path`.
  public static func open(path: String) throws(FormatError) -> SafetensorsFile {
    let bytes = try mapFile(path)
    do throws(FormatError) {
      return try SafetensorsFile(parsing: bytes)
    } catch {
      throw error.inFile(path)
    }
  }

  /// Checks `bytes`, a whole file, and finds its tensors; their bytes are shared, not copied.
  public init(parsing bytes: Bytes) throws(FormatError) {
    guard let length = bytes.load(at: 0, as: UInt64.self) else {
      throw FormatError(.truncated, "not a safetensors file: shorter than its length prefix")
    }
    guard length <= UInt64(SafetensorsFile.longestHeader) else {
      throw FormatError(
        .malformed, "not a safetensors file: a header of \(length) bytes is beyond the limit",
        offset: 0)
    }
    guard Int(length) <= bytes.count - 8 else {
      throw FormatError(
        .truncated, "the safetensors header of \(length) bytes goes past the end of the file",
        offset: 0)
    }
    let header = try SafetensorsFile.header(bytes[8..<8 + Int(length)])
    let data = bytes[8 + Int(length)..<bytes.count]
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    for member in header.members {
      if member.key == "__metadata__" {
        metadata = try SafetensorsFile.metadata(member.value)
      } else {
        entries.append(try Entry(name: member.key, member.value))
      }
    }
    tensors = try SafetensorsFile.place(entries, in: data)
    var positions: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      guard positions.updateValue(index, forKey: tensor.name) == nil else {
        throw FormatError(.malformed, "the tensor '\(shown(tensor.name))' stands twice")
      }
    }
    self.positions = positions
    self.metadata = metadata
  }

  /// The tensor called `name`, or nil.
  public subscript(name: String) -> StoredTensor? { positions[name].map { tensors[$0] } }

  private static func header(_ bytes: Bytes) throws(FormatError) -> JSONObject {
    let raw = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    guard raw.first == UInt8(ascii: "{") else {
      throw FormatError(
        .malformed, "not a safetensors file: its header does not begin with '{'", offset: 8)
    }
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: raw, maximumDepth: 4)
    } catch {
      throw FormatError(
        .malformed, "bad safetensors header: \(error.reason)", offset: 8 + error.offset)
    }
    guard let object = value.objectValue else {
      throw FormatError(.malformed, "the safetensors header is \(value.kind)", offset: 8)
    }
    return object
  }

  private static func metadata(_ value: JSONValue) throws(FormatError) -> [String: String] {
    guard let members = value.objectValue?.members else {
      throw FormatError(.malformed, "the safetensors header's __metadata__ is \(value.kind)")
    }
    var metadata: [String: String] = [:]
    for member in members {
      guard let text = member.value.stringValue else {
        throw FormatError(
          .malformed,
          "the metadata entry '\(shown(member.key))' is \(member.value.kind), not a string")
      }
      metadata[member.key] = text
    }
    return metadata
  }

  /// Gives each entry its bytes: in the order of their offsets they must fill `data` without gap or overlap.
  private static func place(_ entries: [Entry], in data: Bytes) throws(FormatError)
    -> [StoredTensor]
  {
    var tensors: [StoredTensor] = []
    var end = 0
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard entry.begin == end else {
        throw FormatError(
          .malformed,
          "the tensor '\(shown(entry.name))' begins at \(entry.begin) where the one before ends at \(end)"
        )
      }
      guard entry.end <= data.count else {
        throw FormatError(
          .truncated,
          "the tensor '\(shown(entry.name))' ends at \(entry.end) of \(data.count) bytes of data: the file is cut short"
        )
      }
      end = entry.end
      tensors.append(
        StoredTensor(
          name: entry.name, dtype: entry.dtype, shape: entry.shape,
          bytes: data[entry.begin..<entry.end]))
    }
    guard end == data.count else {
      throw FormatError(
        .malformed, "\(data.count - end) bytes follow the last tensor's \(end) bytes of data")
    }
    return tensors
  }
}

/// What the header says of one tensor, checked against itself.
private struct Entry {
  let name: String
  let dtype: DType
  let shape: [Int]
  let begin: Int
  let end: Int

  init(name: String, _ value: JSONValue) throws(FormatError) {
    self.name = name
    func bad(_ reason: String, _ code: FormatError.Code = .malformed) -> FormatError {
      FormatError(code, "the tensor '\(shown(name))' \(reason)")
    }
    guard let object = value.objectValue else { throw bad("is described by \(value.kind)") }
    for key in object.keys where !["dtype", "shape", "data_offsets"].contains(key) {
      throw bad("has an unknown field '\(shown(key))'")
    }
    guard let type = object["dtype"]?.stringValue else { throw bad("has no dtype") }
    guard let dtype = DType(rawValue: type), dtype.valuesPerBlock == 1 else {
      throw bad("has dtype \(shown(type)); F32, F16 and BF16 are supported", .unsupported)
    }
    self.dtype = dtype
    guard let sizes = object["shape"]?.arrayValue else { throw bad("has no shape") }
    var shape: [Int] = []
    for size in sizes {
      guard let size = size.intValue, size >= 0 else { throw bad("has a bad shape") }
      shape.append(size)
    }
    self.shape = shape
    guard let offsets = object["data_offsets"]?.arrayValue, offsets.count == 2,
      let begin = offsets[0].intValue, let end = offsets[1].intValue, begin >= 0, end >= begin
    else { throw bad("has bad data_offsets") }
    guard let size = StoredTensor.byteCount(dtype: dtype, shape: shape) else {
      throw bad("has a shape too large to be true")
    }
    guard size == end - begin else {
      throw bad("spans \(end - begin) bytes where \(type) \(shape) takes \(size)")
    }
    self.begin = begin
    self.end = end
  }
}
