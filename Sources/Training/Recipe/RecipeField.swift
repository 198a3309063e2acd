import JSON

/// One setting of a recipe: its key in `recipe.json`, its flag on the command line, what it takes.
public struct RecipeField: Sendable {
  /// The key; a dot stands between a section and a name inside it: `optimizer.lr`.
  public let key: String
  /// The flag without its dashes, or nil where there is none.
  public let flag: String?
  /// What it takes, for messages: "an integer from 1 to 65536".
  public let expected: String
  /// What it is for, in a few words.
  public let help: String

  /// Whether the flag stands for true by itself: `--keep-best`.
  public var isSwitch: Bool { expected == "true or false" }

  /// Sets the value; false where it is not as expected. Null takes an optional value away.
  let read: @Sendable (inout Recipe, JSONValue) -> Bool
  let write: @Sendable (Recipe) -> JSONValue
  /// What a flag's text means as JSON.
  let parse: @Sendable (String) -> JSONValue

  /// The section, where there is one, and the name inside it.
  var path: (section: String?, name: String) {
    let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
    return parts.count == 2 ? (parts[0], parts[1]) : (nil, key)
  }
}

extension RecipeField {
  typealias Path<Value> = WritableKeyPath<Recipe, Value> & Sendable

  /// A value read from and written as JSON by two closures.
  static func value<Value: Sendable>(
    _ key: String, flag: String?, _ path: any Path<Value>, expected: String, help: String,
    parse: @escaping @Sendable (String) -> JSONValue = { .string($0) },
    read: @escaping @Sendable (JSONValue) -> Value?,
    write: @escaping @Sendable (Value) -> JSONValue
  ) -> RecipeField {
    RecipeField(
      key: key, flag: flag, expected: expected, help: help,
      read: { recipe, json in
        guard let value = read(json) else { return false }
        recipe[keyPath: path] = value
        return true
      }, write: { write($0[keyPath: path]) }, parse: parse)
  }

  /// A value that may be absent: null in JSON.
  static func optional<Value: Sendable>(
    _ key: String, flag: String?, _ path: any Path<Value?>, expected: String, help: String,
    parse: @escaping @Sendable (String) -> JSONValue = { .string($0) },
    read: @escaping @Sendable (JSONValue) -> Value?,
    write: @escaping @Sendable (Value) -> JSONValue
  ) -> RecipeField {
    RecipeField(
      key: key, flag: flag, expected: expected, help: help,
      read: { recipe, json in
        let value = read(json)
        guard value != nil || json.isNull else { return false }
        recipe[keyPath: path] = value
        return true
      }, write: { $0[keyPath: path].map(write) ?? .null }, parse: parse)
  }

  static func integer(
    _ key: String, flag: String?, _ path: any Path<Int>, _ range: ClosedRange<Int>, help: String
  ) -> RecipeField {
    value(
      key, flag: flag, path, expected: spelled(range), help: help, parse: number,
      read: { $0.intValue.flatMap { range.contains($0) ? $0 : nil } }, write: { .int($0) })
  }

  static func integer(
    _ key: String, flag: String?, _ path: any Path<Int?>, _ range: ClosedRange<Int>, help: String
  ) -> RecipeField {
    optional(
      key, flag: flag, path, expected: spelled(range), help: help, parse: number,
      read: { $0.intValue.flatMap { range.contains($0) ? $0 : nil } }, write: { .int($0) })
  }

  /// A finite number that `allows` allows.
  static func number(
    _ key: String, flag: String?, _ path: any Path<Double>, expected: String, help: String,
    _ allows: @escaping @Sendable (Double) -> Bool
  ) -> RecipeField {
    value(
      key, flag: flag, path, expected: expected, help: help, parse: number,
      read: { $0.doubleValue.flatMap { $0.isFinite && allows($0) ? $0 : nil } },
      write: { .double($0) })
  }

  static func text(_ key: String, flag: String?, _ path: any Path<String?>, help: String)
    -> RecipeField
  {
    optional(
      key, flag: flag, path, expected: "a string", help: help, read: \.stringValue,
      write: { .string($0) })
  }

  static func boolean(_ key: String, flag: String?, _ path: any Path<Bool>, help: String)
    -> RecipeField
  {
    value(
      key, flag: flag, path, expected: "true or false", help: help,
      parse: { text in
        switch text {
        case "true", "yes", "": true
        case "false", "no": false
        default: .string(text)
        }
      }, read: \.boolValue, write: { .bool($0) })
  }

  /// One of a few words.
  static func choice<Word: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, flag: String?, _ path: any Path<Word>, help: String
  ) -> RecipeField {
    value(
      key, flag: flag, path, expected: spelled(Word.self), help: help,
      read: { $0.stringValue.flatMap(Word.init(rawValue:)) }, write: { .string($0.rawValue) })
  }

  /// One of a few words, or none.
  static func choice<Word: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, flag: String?, _ path: any Path<Word?>, help: String
  ) -> RecipeField {
    optional(
      key, flag: flag, path, expected: spelled(Word.self), help: help,
      read: { $0.stringValue.flatMap(Word.init(rawValue:)) }, write: { .string($0.rawValue) })
  }

  /// The JSON number that `text` is, or `text` itself, which no number accepts.
  static func number(_ text: String) -> JSONValue {
    if let value = try? JSONValue(parsing: text), value.doubleValue != nil { return value }
    return .string(text)
  }

  private static func spelled(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "an integer from \(range.lowerBound)"
      : "an integer from \(range.lowerBound) to \(range.upperBound)"
  }

  private static func spelled<Word: RawRepresentable<String> & CaseIterable>(_: Word.Type)
    -> String
  {
    "one of " + Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
  }
}
