extension Jinja {
  /// The `loop` variable: where a loop is, looking ahead only when asked to.
  final class LoopState {
    private var iterator: Iterator
    private var knownLength: Int?
    private var ahead: Value?
    private var current: Value?
    private(set) var index = -1
    private var before: Value?
    private var lastChanged: [Value]?
    let depth: Int

    /// - Parameter length: How many items there are, where that is known without going through
    ///   them.
    init(_ iterator: Iterator, length: Int?) {
      self.iterator = iterator
      knownLength = length
      depth = iterator.depth + 1
    }

    func next() throws(TemplateError) -> Value? {
      let value: Value
      if let peeked = ahead {
        value = peeked
        ahead = nil
      } else if let pulled = try iterator.next() {
        value = pulled
      } else {
        return nil
      }
      index += 1
      before = current
      current = value
      return value
    }

    private func peek() throws(TemplateError) -> Value? {
      if ahead == nil { ahead = try iterator.next() }
      return ahead
    }

    func length(_ interpreter: Interpreter) throws(TemplateError) -> Int {
      if let knownLength { return knownLength }
      var rest: [Value] = []
      while let value = try iterator.next() {
        try interpreter.spend(1)
        rest.append(value)
      }
      let length = rest.count + index + 1 + (ahead == nil ? 0 : 1)
      var place = 0
      iterator = Iterator(depth: depth) { () throws(TemplateError) in
        guard place < rest.count else { return nil }
        place += 1
        return rest[place - 1]
      }
      knownLength = length
      return length
    }

    /// The attribute `name`, or nil where a loop has none.
    func attribute(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
      switch name {
      case "index": return .int(index + 1)
      case "index0": return .int(index)
      case "revindex": return .int(try length(interpreter) - index)
      case "revindex0": return .int(try length(interpreter) - index - 1)
      case "first": return .bool(index == 0)
      case "last": return .bool(try peek() == nil)
      case "length": return .int(try length(interpreter))
      case "depth": return .int(1)
      case "depth0": return .int(0)
      case "previtem":
        guard index > 0, let before else { return .undefined(Missing("there is no previous item")) }
        return before
      case "nextitem": return try peek() ?? .undefined(Missing("there is no next item"))
      case "cycle", "changed": return .method(Method(.loop(self), name))
      default: return nil
      }
    }

    /// Whether `values` are others than at the last call.
    func changed(_ values: [Value], _ interpreter: Interpreter) throws(TemplateError) -> Bool {
      if let last = lastChanged, last.count == values.count {
        var isSame = true
        for (left, right) in zip(last, values) where isSame {
          isSame = try interpreter.equal(left, right)
        }
        if isSame { return false }
      }
      lastChanged = values
      return true
    }
  }
}
