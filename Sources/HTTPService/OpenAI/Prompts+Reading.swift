import JSON

extension Prompts {
  /// The most prompts of one request, and the most answers to them.
  static let most = 2_048

  init(_ reader: ParameterReader) throws(APIError) {
    let value = try reader.required("prompt")
    if let text = value.stringValue {
      self = .text(text)
      return
    }
    guard let list = value.arrayValue else {
      throw .wrongType("prompt", "a string, a list of strings, or tokens", value)
    }
    switch list.first {
    case .string:
      self = .texts(
        try Self.each(list) { (value, path) throws(APIError) in
          guard let text = value.stringValue else { throw .wrongType(path, "a string", value) }
          return text
        })
    case .int: self = .tokens(try Self.tokens(list, at: "prompt"))
    case .array:
      self = .tokenLists(
        try Self.each(list) { (value, path) throws(APIError) in
          guard let tokens = value.arrayValue else {
            throw .wrongType(path, "a list of tokens", value)
          }
          return try Self.tokens(tokens, at: path)
        })
    case nil:
      throw APIError(
        .invalidRequest, "'prompt' is empty; give at least one", param: "prompt",
        code: "invalid_value")
    case .some(let first): throw .wrongType("prompt[0]", "a string, tokens or a token", first)
    }
  }

  private static func each<T>(
    _ list: [JSONValue], _ read: (JSONValue, String) throws(APIError) -> T
  ) throws(APIError) -> [T] {
    guard list.count <= most else {
      throw APIError(
        .invalidRequest, "'prompt' has \(list.count) prompts; \(most) are the most",
        param: "prompt", code: "invalid_value")
    }
    var found: [T] = []
    for (index, value) in list.enumerated() { found.append(try read(value, "prompt[\(index)]")) }
    return found
  }

  private static func tokens(_ list: [JSONValue], at path: String) throws(APIError) -> [Int] {
    guard !list.isEmpty else { throw .wrongValue(path, "of at least one token", "empty") }
    var tokens: [Int] = []
    tokens.reserveCapacity(list.count)
    for (index, value) in list.enumerated() {
      guard let token = value.intValue else {
        throw .wrongType("\(path)[\(index)]", "a token's number", value)
      }
      guard (0...Int(Int32.max)).contains(token) else {
        throw .wrongValue("\(path)[\(index)]", "a token's number", "\(token)")
      }
      tokens.append(token)
    }
    return tokens
  }
}
