/// A value handed to a chat template: what JSON can hold, with the order of keys kept.
public enum TemplateValue: Sendable, Equatable {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case list([TemplateValue])
  case dictionary(TemplateDictionary)
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A float.
  public init(floatLiteral value: Double) { self = .float(value) }
  /// A list.
  public init(arrayLiteral elements: TemplateValue...) { self = .list(elements) }
  /// A dictionary in the order written.
  public init(dictionaryLiteral elements: (String, TemplateValue)...) {
    self = .dictionary(TemplateDictionary(elements))
  }
  /// Python's `None`.
  public init(nilLiteral: ()) { self = .none }
}

/// A dictionary that keeps the order in which its keys were first set: templates print dictionaries
/// and loop over them.
///
/// Keys are equal when their code points are, as in Python; Swift's own strings would take "é" for
/// "e" with an accent after it.
public struct TemplateDictionary: Sendable {
  /// Keys and values, in order.
  public private(set) var pairs: [(key: String, value: TemplateValue)] = []
  private var index: [Jinja.ExactText: Int] = [:]

  /// A dictionary without keys.
  public init() {}

  /// The pairs in order; of equal keys the last value counts, at the place of the first.
  public init(_ pairs: [(String, TemplateValue)]) {
    for (key, value) in pairs { self[key] = value }
  }

  /// How many keys there are.
  public var count: Int { pairs.count }

  /// The value of `key`; setting nil removes it.
  public subscript(key: String) -> TemplateValue? {
    get { index[Jinja.ExactText(key)].map { pairs[$0].value } }
    set {
      let exact = Jinja.ExactText(key)
      if let place = index[exact] {
        if let newValue {
          pairs[place].value = newValue
        } else {
          pairs.remove(at: place)
          index = [:]
          for (place, pair) in pairs.enumerated() { index[Jinja.ExactText(pair.key)] = place }
        }
      } else if let newValue {
        index[exact] = pairs.count
        pairs.append((key, newValue))
      }
    }
  }
}

extension TemplateDictionary: Equatable, ExpressibleByDictionaryLiteral {
  /// Equal keys with equal values, in any order, as in Python.
  public static func == (left: TemplateDictionary, right: TemplateDictionary) -> Bool {
    left.count == right.count && left.pairs.allSatisfy { right[$0.key] == $0.value }
  }

  /// A dictionary in the order written.
  public init(dictionaryLiteral elements: (String, TemplateValue)...) { self.init(elements) }
}

extension Jinja {
  /// Text that is equal when its code points are.
  struct ExactText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool { Text.equal(left.text, right.text) }

    // By bytes: to Swift's own hash all spellings of one character are the same, and who writes many
    // such keys would have them all compared with each other.
    func hash(into hasher: inout Hasher) { hasher.combine(ByteHash.of(text)) }
  }
}
