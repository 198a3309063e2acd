extension Jinja {
  /// A value while a template runs. Lists and dictionaries never change once made, as in Jinja's
  /// immutable sandbox.
  enum Value {
    case undefined(Missing)
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    /// Text marked as safe HTML by `safe` or `escape`: adding to it escapes the other side.
    case markup(String)
    case list(Items)
    case tuple(Items)
    case dictionary(Dictionary)
    case view(View)
    case range(Progression)
    case iterator(Iterator)
    case namespace(Namespace)
    case loop(LoopState)
    case macro(Closure)
    case function(Function)
    case method(Method)
    case cycler(Cycler)
    case joiner(Joiner)
  }

  /// Why a value is undefined: what an operation on it says.
  final class Missing: Sendable {
    let message: String
    let code: TemplateError.Code

    init(_ message: String, code: TemplateError.Code = .undefined) {
      self.message = message
      self.code = code
    }
  }

  /// The items of a list or a tuple. `depth` is the height of what they hold.
  final class Items {
    let items: [Value]
    let depth: Int

    init(_ items: [Value]) {
      self.items = items
      depth = 1 + items.reduce(0) { max($0, $1.depth) }
    }
  }

  /// A dictionary in the order of its keys.
  final class Dictionary {
    let keys: [Value]
    let values: [Value]
    let depth: Int
    private let index: [Key: Int]

    init(keys: [Value], values: [Value], index: [Key: Int]) {
      self.keys = keys
      self.values = values
      self.index = index
      depth = 1 + max(keys.reduce(0) { max($0, $1.depth) }, values.reduce(0) { max($0, $1.depth) })
    }

    subscript(key: Key) -> Value? { index[key].map { values[$0] } }
  }

  /// `dict.keys()`, `dict.values()` or `dict.items()`.
  final class View {
    enum Kind: String { case keys, values, items }
    let kind: Kind
    let dictionary: Dictionary

    init(_ kind: Kind, of dictionary: Dictionary) {
      self.kind = kind
      self.dictionary = dictionary
    }

    var items: [Value] {
      switch kind {
      case .keys: dictionary.keys
      case .values: dictionary.values
      case .items: zip(dictionary.keys, dictionary.values).map { .tuple(Items([$0, $1])) }
      }
    }
  }

  /// A `range`.
  struct Progression {
    var start: Int
    var stop: Int
    var step: Int
    var count: Int

    // Past the last number the sum may not fit; it is then only told as a bound.
    subscript(index: Int) -> Int { start &+ index &* step }
  }

  /// A generator: it gives each of its values once.
  final class Iterator {
    private let pull: () throws(TemplateError) -> Value?
    private var isDone = false
    let depth: Int

    init(depth: Int, _ pull: @escaping () throws(TemplateError) -> Value?) {
      self.depth = depth + 1
      self.pull = pull
    }

    func next() throws(TemplateError) -> Value? {
      if isDone { return nil }
      // A generator that has failed is at its end.
      isDone = true
      guard let value = try pull() else { return nil }
      isDone = false
      return value
    }
  }

  final class Namespace {
    var names: [String] = []
    var values: [String: Value] = [:]

    func set(_ name: String, _ value: Value) {
      if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }
  }

  /// A macro, or the body of a call block, with the variables it was written among.
  final class Closure {
    let macro: Macro
    let scope: Scope

    init(_ macro: Macro, in scope: Scope) {
      self.macro = macro
      self.scope = scope
    }
  }

  /// The functions that every template sees.
  enum Function: String {
    case range, dict, namespace, cycler, joiner
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
    case dictFromKeys = "dict.fromkeys"
  }

  /// A method, bound to its value.
  final class Method {
    let receiver: Value
    let name: String

    init(_ receiver: Value, _ name: String) {
      self.receiver = receiver
      self.name = name
    }
  }

  final class Cycler {
    let items: Items
    var position = 0
    init(_ items: Items) { self.items = items }
  }

  final class Joiner {
    let separator: Value
    var isUsed = false
    init(_ separator: Value) { self.separator = separator }
  }

  /// Variables of one scope.
  final class Scope {
    var variables: [String: Value] = [:]
    let parent: Scope?

    init(_ parent: Scope?) { self.parent = parent }

    subscript(name: String) -> Value? {
      var scope: Scope? = self
      while let current = scope {
        if let value = current.variables[name] { return value }
        scope = current.parent
      }
      return nil
    }
  }
}

extension Jinja.Value {
  /// How deep the value nests.
  var depth: Int {
    switch self {
    case .list(let items), .tuple(let items): items.depth
    case .dictionary(let dictionary): dictionary.depth
    case .view(let view): view.dictionary.depth
    case .iterator(let iterator): iterator.depth
    case .loop(let loop): loop.depth
    case .method(let method): method.receiver.depth + 1
    case .cycler(let cycler): cycler.items.depth + 1
    case .joiner(let joiner): joiner.separator.depth + 1
    default: 0
    }
  }

  var isUndefined: Bool {
    if case .undefined = self { return true }
    return false
  }

  var isNone: Bool {
    if case .none = self { return true }
    return false
  }

  /// The text of a string, marked safe or not.
  var text: String? {
    switch self {
    case .string(let text), .markup(let text): text
    default: nil
    }
  }

  /// An integer, or a truth value as 0 or 1.
  var integer: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// A number as a float.
  var number: Double? {
    if case .float(let value) = self { return value }
    return integer.map { Double($0) }
  }

  /// Python's truth of a value.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .float(let value): value != 0
    case .string(let text), .markup(let text): !text.isEmpty
    case .list(let items), .tuple(let items): !items.items.isEmpty
    case .dictionary(let dictionary): !dictionary.keys.isEmpty
    case .view(let view): !view.dictionary.keys.isEmpty
    case .range(let range): range.count > 0
    default: true
    }
  }

  /// The name of the value's type in Python.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .float: "float"
    case .string: "str"
    case .markup: "Markup"
    case .list: "list"
    case .tuple: "tuple"
    case .dictionary: "dict"
    case .view(let view): "dict_" + view.kind.rawValue
    case .range: "range"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .macro: "Macro"
    case .function: "function"
    case .method: "builtin_function_or_method"
    case .cycler: "Cycler"
    case .joiner: "Joiner"
    }
  }
}
