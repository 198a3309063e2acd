import Tensors

/// Reads little-endian values one after the other, never past the end.
struct GGUFCursor {
  let bytes: Bytes
  private(set) var at = 0

  /// Arrays that may stand inside one another.
  static let deepest = 8

  init(_ bytes: Bytes) { self.bytes = bytes }

  var remaining: Int { bytes.count - at }

  private func cut(_ what: String) -> FormatError {
    FormatError(.truncated, "the GGUF file ends inside \(what)", offset: at)
  }

  mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ what: @autoclosure () -> String, as type: Number.Type = Number.self
  ) throws(FormatError) -> Number {
    guard let number = bytes.load(at: at, as: Number.self) else { throw cut(what()) }
    at += MemoryLayout<Number>.size
    return number
  }

  /// A count in 64 bits that must be at most `limit`.
  mutating func count(
    _ what: @autoclosure () -> String, limit: Int
  ) throws(FormatError) -> Int {
    let start = at
    let count: UInt64 = try number(what())
    guard count <= UInt64(max(limit, 0)) else {
      throw FormatError(
        .truncated, "the GGUF file says \(count) for \(what()), more than it can hold",
        offset: start)
    }
    return Int(count)
  }

  mutating func skip(_ count: Int, _ what: @autoclosure () -> String) throws(FormatError) {
    guard count >= 0, remaining >= count else { throw cut(what()) }
    at += count
  }

  mutating func skipString() throws(FormatError) {
    let length = try count("a string's length", limit: remaining - 8)
    try skip(length, "a string")
  }

  mutating func string(_ what: @autoclosure () -> String) throws(FormatError) -> String {
    let length = try count("the length of \(what())", limit: remaining - 8)
    let start = at
    try skip(length, what())
    guard let text = bytes[start..<at].text else {
      throw FormatError(.malformed, "\(what()) is not valid UTF-8", offset: start)
    }
    return text
  }

  mutating func type(_ what: @autoclosure () -> String) throws(FormatError) -> GGUFType {
    let start = at
    let raw: UInt32 = try number("the type of \(what())")
    guard let type = GGUFType(rawValue: raw) else {
      throw FormatError(.malformed, "\(what()) has the unknown type \(raw)", offset: start)
    }
    return type
  }

  mutating func value(_ type: GGUFType, depth: Int) throws(FormatError) -> GGUFValue {
    switch type {
    case .uint8: return .integer(Int(try number("a value", as: UInt8.self)))
    case .int8: return .integer(Int(try number("a value", as: Int8.self)))
    case .uint16: return .integer(Int(try number("a value", as: UInt16.self)))
    case .int16: return .integer(Int(try number("a value", as: Int16.self)))
    case .uint32: return .integer(Int(try number("a value", as: UInt32.self)))
    case .int32: return .integer(Int(try number("a value", as: Int32.self)))
    case .int64: return .integer(Int(try number("a value", as: Int64.self)))
    case .uint64:
      let value: UInt64 = try number("a value")
      return Int(exactly: value).map { .integer($0) } ?? .large(value)
    case .float32: return .float(Double(Float(bitPattern: try number("a value"))))
    case .float64: return .float(Double(bitPattern: try number("a value")))
    case .bool:
      let start = at
      let byte: UInt8 = try number("a value")
      guard byte < 2 else {
        throw FormatError(.malformed, "a truth value is \(byte), neither 0 nor 1", offset: start)
      }
      return .bool(byte == 1)
    case .string: return .string(try string("a value"))
    case .array: return .array(try array(depth: depth))
    }
  }

  private mutating func array(depth: Int) throws(FormatError) -> GGUFArray {
    guard depth < GGUFCursor.deepest else {
      throw FormatError(.malformed, "arrays are nested too deeply", offset: at)
    }
    let element = try type("an array's elements")
    // A string takes its length at least, an array its type and count.
    let smallest = element.size ?? (element == .string ? 8 : 12)
    let count = try count("an array's length", limit: (remaining - 8) / smallest)
    let start = at
    if let size = element.size {
      try skip(count * size, "an array")
    } else if element == .string {
      for _ in 0..<count { try skipString() }
    } else {
      for _ in 0..<count { _ = try array(depth: depth + 1) }
    }
    return GGUFArray(elementType: element, count: count, bytes: bytes[start..<at])
  }
}
