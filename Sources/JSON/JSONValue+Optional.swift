extension JSONValue {
  /// A text, or null.
  public static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// An integer, or null.
  public static func integer(_ value: Int?) -> JSONValue { value.map { .int($0) } ?? .null }

  /// A number, or null.
  public static func number(_ value: Double?) -> JSONValue { value.map { .double($0) } ?? .null }
}
