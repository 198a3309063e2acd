/// A JSON value (RFC 8259) that keeps the order of keys and tells integers from other numbers.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number written without fraction and exponent that fits in 64 bits.
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  /// Whether this is `null`.
  public var isNull: Bool { self == .null }

  /// The truth value, or nil where this is something else.
  public var boolValue: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The integer, or nil where this is something else; `8.0` is not an integer.
  public var intValue: Int? {
    if case .int(let value) = self { value } else { nil }
  }

  /// The number, integer or not, or nil where this is something else.
  public var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// The text, or nil where this is something else.
  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The elements, or nil where this is something else.
  public var arrayValue: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// The members, or nil where this is something else.
  public var objectValue: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The member called `key`, or nil where there is none or this is no object.
  public subscript(key: String) -> JSONValue? { objectValue?[key] }

  /// The kind of value, for messages: "a string", "an object", "null".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .int: "an integer"
    case .double: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Writes a string as a literal.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Writes an integer as a literal.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// Writes a number as a literal.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// Writes true or false as a literal.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Writes `null` as a literal.
  public init(nilLiteral: ()) { self = .null }
  /// Writes a list as a literal.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// Writes an object as a literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements))
  }
}
