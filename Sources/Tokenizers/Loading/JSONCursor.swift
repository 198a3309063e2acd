/// A place in a JSON text, with the path that led there for error messages.
struct JSONCursor {
  let tape: JSONTape
  let index: Int
  let path: String

  /// The whole text.
  init(_ tape: JSONTape) {
    self.init(tape: tape, index: 0, path: "")
  }

  private init(tape: JSONTape, index: Int, path: String) {
    self.tape = tape
    self.index = index
    self.path = path
  }

  var kind: JSONTape.Kind { tape.nodes[index].kind }
  var isNull: Bool { kind == .null }

  /// "tokenizer.json: model.vocab", for messages.
  var place: String { path.isEmpty ? tape.file : "\(tape.file): \(path)" }

  func malformed(_ what: String) -> TokenizerError {
    TokenizerError(.malformed, "\(place) \(what)")
  }

  func unsupported(_ what: String) -> TokenizerError {
    TokenizerError(.unsupported, "\(place): \(what) is not supported")
  }

  /// The values of an array.
  func elements() throws(TokenizerError) -> [JSONCursor] {
    guard kind == .array else { throw malformed("is not an array") }
    var elements: [JSONCursor] = []
    var child = index + 1
    let end = Int(tape.nodes[index].next)
    while child < end {
      elements.append(JSONCursor(tape: tape, index: child, path: "\(path)[\(elements.count)]"))
      child = Int(tape.nodes[child].next)
    }
    return elements
  }

  /// The keys and values of an object, in the file's order.
  func members() throws(TokenizerError) -> [(key: String, value: JSONCursor)] {
    guard kind == .object else { throw malformed("is not an object") }
    var members: [(key: String, value: JSONCursor)] = []
    var child = index + 1
    let end = Int(tape.nodes[index].next)
    while child < end {
      let key = String(decoding: try tape.string(child, place: place), as: UTF8.self)
      let value = child + 1
      members.append(
        (key, JSONCursor(tape: tape, index: value, path: path.isEmpty ? key : path + "." + key)))
      child = Int(tape.nodes[value].next)
    }
    return members
  }

  /// The value of a key; nil where it is absent or null. A key that is there twice is refused.
  func member(_ name: String) throws(TokenizerError) -> JSONCursor? {
    var found: JSONCursor?
    for (key, value) in try members() where key == name {
      guard found == nil else { throw malformed("has the key '\(name)' twice") }
      found = value
    }
    return found.flatMap { $0.isNull ? nil : $0 }
  }

  /// The value of a key that has to be there.
  func required(_ name: String) throws(TokenizerError) -> JSONCursor {
    guard let value = try member(name) else {
      throw TokenizerError(.missing, "\(place) has no '\(name)'")
    }
    return value
  }

  /// A string's bytes.
  func bytes() throws(TokenizerError) -> [UInt8] {
    guard kind == .string else { throw malformed("is not a string") }
    return try tape.string(index, place: place)
  }

  func string() throws(TokenizerError) -> String {
    String(decoding: try bytes(), as: UTF8.self)
  }

  func integer() throws(TokenizerError) -> Int {
    guard kind == .number, let value = tape.integer(index) else {
      throw malformed("is not an integer")
    }
    return value
  }

  func bool() throws(TokenizerError) -> Bool {
    guard kind == .bool else { throw malformed("is not true or false") }
    return tape.bytes[Int(tape.nodes[index].start)] == UInt8(ascii: "t")
  }

  func number() throws(TokenizerError) -> Double {
    let node = tape.nodes[index]
    guard kind == .number,
      let value = Double(
        String(decoding: tape.bytes[Int(node.start)..<Int(node.end)], as: UTF8.self))
    else { throw malformed("is not a number") }
    return value
  }

  /// A flag, with what it is where the file does not tell.
  func flag(_ name: String, default: Bool) throws(TokenizerError) -> Bool {
    try member(name)?.bool() ?? `default`
  }

  /// The component's type: its "type" member.
  func type() throws(TokenizerError) -> String { try required("type").string() }
}
