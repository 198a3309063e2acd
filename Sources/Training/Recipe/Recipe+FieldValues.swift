import Adapters
import JSON

extension Recipe {
  /// Whether `name` is `[a-z0-9][a-z0-9._-]*`, or two of these with a slash between, and not `base`: this means
  /// the base without an adapter.
  static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return name != "base" && (1...2).contains(parts.count) && name.utf8.count <= 200
      && parts.allSatisfy { part in
        let isPlain = part.utf8.allSatisfy {
          (97...122).contains($0) || (48...57).contains($0) || [45, 46, 95].contains($0)
        }
        return isPlain && !part.isEmpty && ![45, 46, 95].contains(part.utf8.first)
      }
  }

  /// A word, words with commas between or a list are names; anything else is a regular expression.
  static func modules(_ value: JSONValue, allowsAll: Bool) -> Modules? {
    if let names = list(value, \.stringValue) {
      return names.isEmpty || names.contains("") ? nil : .names(names)
    }
    guard let text = value.stringValue, !text.isEmpty else { return nil }
    if text == "all-linear" { return allowsAll ? .allLinear : nil }
    let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let areNames = names.allSatisfy { name in
      !name.isEmpty && name.unicodeScalars.allSatisfy { isPathScalar($0) }
    }
    return areNames ? .names(names) : .pattern(text)
  }

  static func isPathScalar(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      && (scalar.properties.isAlphabetic || "0123456789_.".unicodeScalars.contains(scalar))
  }

  static func written(_ modules: Modules) -> JSONValue {
    switch modules {
    case .allLinear: "all-linear"
    case .names(let names): .array(names.map { .string($0) })
    case .pattern(let pattern): .string(pattern)
    }
  }

  /// Rules as an object, or as a list of pairs, which keeps its order when keys are sorted.
  static func rules<Value>(
    _ json: JSONValue, _ read: (JSONValue) -> Value?
  ) -> [ModuleRule<Value>]? {
    var rules: [ModuleRule<Value>] = []
    let pairs: [(JSONValue?, JSONValue?)]
    if let object = json.objectValue {
      pairs = object.members.map { (.string($0.key), $0.value) }
    } else if let list = json.arrayValue {
      pairs = list.map { pair in
        let pair = pair.arrayValue ?? []
        return pair.count == 2 ? (pair[0], pair[1]) : (nil, nil)
      }
    } else {
      return nil
    }
    for (pattern, value) in pairs {
      guard let pattern = pattern?.stringValue, let value = value.flatMap(read) else { return nil }
      rules.append(ModuleRule(pattern, value))
    }
    return rules
  }

  static func list<Element>(
    _ json: JSONValue, _ read: (JSONValue) -> Element?
  ) -> [Element]? {
    guard let elements = json.arrayValue else { return nil }
    let values = elements.compactMap(read)
    return values.count == elements.count ? values : nil
  }

  static func list(_ text: String, _ element: (String) -> JSONValue) -> JSONValue {
    .array(text.split(separator: ",").map { element(String($0)) })
  }
}
