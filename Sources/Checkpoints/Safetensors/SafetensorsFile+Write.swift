import JSON
import Tensors

extension SafetensorsFile {
  /// The bytes of a file with `tensors`, exactly as the safetensors library writes them.
  ///
  /// Tensors stand in descending order of element size, then by name; the header is compact JSON, padded with
  /// spaces to a multiple of eight. Several metadata entries, which the library writes in random order, are sorted.
  public static func write(
    _ tensors: [StoredTensor], metadata: [String: String] = [:]
  ) -> [UInt8] {
    let ordered = tensors.sorted { left, right in
      let ranks = (rank(of: left), rank(of: right))
      return ranks.0 != ranks.1
        ? ranks.0 > ranks.1
        : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
    var header = JSONObject()
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      header["__metadata__"] = .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
    }
    var offset = 0
    for tensor in ordered {
      precondition(header[tensor.name] == nil, "SafetensorsFile: '\(tensor.name)' written twice")
      header[tensor.name] = [
        "dtype": .string(tensor.dtype.rawValue), "shape": .array(tensor.shape.map { .int($0) }),
        "data_offsets": [.int(offset), .int(offset + tensor.bytes.count)],
      ]
      offset += tensor.bytes.count
    }
    var text = JSONValue.object(header).bytes()
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    var out: [UInt8] = []
    out.reserveCapacity(8 + text.count + offset)
    let length = UInt64(text.count)
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      out.append(UInt8(truncatingIfNeeded: length >> shift))
    }
    out.append(contentsOf: text)
    for tensor in ordered {
      unsafe tensor.bytes.withUnsafeBytes { unsafe out.append(contentsOf: $0) }
    }
    return out
  }

  /// The place of the element type in the library's enumeration.
  private static func rank(of tensor: StoredTensor) -> Int {
    switch tensor.dtype {
    case .f16: 0
    case .bf16: 1
    case .f32: 2
    default: preconditionFailure("SafetensorsFile: \(tensor.dtype.rawValue) has no name there")
    }
  }
}
