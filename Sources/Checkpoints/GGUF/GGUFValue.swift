import Tensors

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable {
  case integer(Int)
  /// An unsigned number beyond `Int`.
  case large(UInt64)
  case float(Double)
  case bool(Bool)
  case string(String)
  case array(GGUFArray)

  /// The integer, or nil where this is something else.
  public var intValue: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The number, integer or not, or nil where this is something else.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .large(let value): Double(value)
    case .float(let value): value
    default: nil
    }
  }

  /// The truth value, or nil where this is something else.
  public var boolValue: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The text, or nil where this is something else.
  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The array, or nil where this is something else.
  public var arrayValue: GGUFArray? {
    if case .array(let value) = self { value } else { nil }
  }
}

/// The types of metadata values, by their numbers in the file.
public enum GGUFType: UInt32, Sendable {
  case uint8 = 0
  case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// Bytes of one value, or nil where they differ from value to value.
  var size: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }
}

/// An array in a GGUF file's metadata, decoded when it is asked for: a vocabulary has a hundred thousand strings.
///
/// Its extent was checked when the file was opened.
public struct GGUFArray: Sendable {
  /// The type of every element.
  public let elementType: GGUFType
  /// Number of elements.
  public let count: Int
  // The elements as stored, one behind the other.
  let bytes: Bytes

  /// The texts.
  /// - Throws: `FormatError` where the elements are no strings or one is not valid UTF-8.
  public func strings() throws(FormatError) -> [String] {
    guard elementType == .string else { throw mismatch("strings") }
    var texts: [String] = []
    texts.reserveCapacity(count)
    var cursor = GGUFCursor(bytes)
    for _ in 0..<count { texts.append(try cursor.string("an element")) }
    return texts
  }

  /// The text at `index`, or nil where there is none.
  public func string(at index: Int) throws(FormatError) -> String? {
    guard elementType == .string else { throw mismatch("strings") }
    guard index >= 0, index < count else { return nil }
    var cursor = GGUFCursor(bytes)
    for _ in 0..<index { try cursor.skipString() }
    return try cursor.string("an element")
  }

  /// The numbers.
  /// - Throws: `FormatError` where the elements are no integers or one does not fit.
  public func integers() throws(FormatError) -> [Int] {
    try numbers("integers") { $0.intValue }
  }

  /// The numbers, rounded to float32.
  /// - Throws: `FormatError` where the elements are no numbers.
  public func floats() throws(FormatError) -> [Float] {
    try numbers("numbers") { $0.doubleValue.map { Float($0) } }
  }

  /// The elements, whatever they are.
  public func values() throws(FormatError) -> [GGUFValue] {
    var values: [GGUFValue] = []
    values.reserveCapacity(count)
    var cursor = GGUFCursor(bytes)
    for _ in 0..<count { values.append(try cursor.value(elementType, depth: 1)) }
    return values
  }

  private func numbers<Number>(
    _ wanted: String, _ convert: (GGUFValue) -> Number?
  ) throws(FormatError) -> [Number] {
    guard elementType.size != nil else { throw mismatch(wanted) }
    var numbers: [Number] = []
    numbers.reserveCapacity(count)
    var cursor = GGUFCursor(bytes)
    for _ in 0..<count {
      guard let number = convert(try cursor.value(elementType, depth: 1)) else {
        throw mismatch(wanted)
      }
      numbers.append(number)
    }
    return numbers
  }

  private func mismatch(_ wanted: String) -> FormatError {
    FormatError(.malformed, "an array of \(elementType) where \(wanted) should be")
  }
}
