/// One message of a conversation, as chat templates read it.
public struct Message: Sendable, Equatable {
  /// Who speaks: `system`, `user`, `assistant`, `tool`.
  public var role: String
  /// What is said.
  public var content: String
  /// Further fields such as `name`, `tool_calls` or `reasoning_content`. A field `content` here
  /// takes the place of the text:
  /// `.none`, or the list of parts that some templates read.
  public var fields: TemplateDictionary

  /// A message of text.
  public init(role: String, content: String, fields: TemplateDictionary = [:]) {
    self.role = role
    self.content = content
    self.fields = fields
  }

  /// Reads a message as JSON has it. It needs a `role`, a string; `content` may be a string, null,
  /// a list or missing.
  public init(_ value: TemplateValue) throws(TemplateError) {
    guard case .dictionary(var fields) = value else {
      throw TemplateError(.badValue, "a message is a dictionary with 'role' and 'content'")
    }
    guard case .string(let role) = fields["role"] else {
      throw TemplateError(.badValue, "a message needs a 'role', which is a string")
    }
    fields["role"] = nil
    var content = ""
    if case .string(let text) = fields["content"] {
      content = text
      fields["content"] = nil
    }
    self.init(role: role, content: content, fields: fields)
  }

  /// The message as a template sees it: `role`, `content`, then the further fields.
  ///
  /// Reasoning is told under the names `thinking` and `reasoning_content`, whichever it came by, as
  /// transformers does.
  var templateValue: TemplateValue {
    var pairs: [(String, TemplateValue)] = [
      ("role", .string(role)), ("content", .string(content)),
    ]
    pairs += fields.pairs.map { ($0.key, $0.value) }
    var message = TemplateDictionary(pairs)
    for name in ["reasoning_content", "thinking", "reasoning"] {
      guard let reasoning = message[name], reasoning != .none else { continue }
      message = TemplateDictionary(
        [("thinking", reasoning)] + message.pairs.map { ($0.key, $0.value) })
      message["reasoning_content"] = reasoning
      break
    }
    return .dictionary(message)
  }
}

extension Message: Codable {
  /// Decodes a message as JSON has it.
  public init(from decoder: any Decoder) throws {
    try self.init(TemplateValue(from: decoder))
  }

  /// Encodes `role`, `content` and the further fields side by side.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    try container.encode(role, forKey: AnyKey("role"))
    if fields["content"] == nil { try container.encode(content, forKey: AnyKey("content")) }
    for (key, value) in fields.pairs { try container.encode(value, forKey: AnyKey(key)) }
  }
}
