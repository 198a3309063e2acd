import JSON
import Registry

extension ChatMessage {
  private static let most = 2_048

  /// The messages of a conversation.
  static func list(_ reader: ParameterReader) throws(APIError) -> [ChatMessage] {
    _ = try reader.required("messages")
    let values = try reader.array("messages", atMost: most) ?? []
    guard !values.isEmpty else {
      throw APIError(
        .invalidRequest, "'messages' is empty; give at least one", param: "messages",
        code: "invalid_value")
    }
    var messages: [ChatMessage] = []
    messages.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      messages.append(try ChatMessage(ParameterReader(value, at: "messages[\(index)]")))
    }
    return messages
  }

  private init(_ reader: ParameterReader) throws(APIError) {
    _ = try reader.required("role")
    role = try Self.role(try reader.string("role") ?? "", reader)
    for name in ["tool_calls", "function_call", "tool_call_id", "audio", "refusal"] {
      // Answers that come back as messages carry some of them, empty.
      guard let value = reader[name], value != [], value != "" else { continue }
      throw .unsupported(reader.path(name), "send the texts of the conversation alone")
    }
    name = try reader.string("name")
    content = try Self.content(try reader.required("content"), at: reader.path("content"))
  }

  private static func role(_ word: String, _ reader: ParameterReader) throws(APIError) -> Role {
    // `developer` is what OpenAI calls `system` today; no chat template knows it.
    if let role = Role(rawValue: word == "developer" ? "system" : word) { return role }
    if word == "tool" || word == "function" {
      throw .unsupported(reader.path("role"), "tools are not, so no message is of '\(word)'")
    }
    throw .wrongValue(
      reader.path("role"), "'system', 'developer', 'user' or 'assistant'", "'\(abridged(word))'")
  }

  /// A text, or the texts of parts, a line each as vLLM and llama.cpp put them together.
  private static func content(_ value: JSONValue, at path: String) throws(APIError) -> String {
    if let text = value.stringValue { return text }
    guard let parts = value.arrayValue else {
      throw .wrongType(path, "a string or a list of parts", value)
    }
    guard (1...most).contains(parts.count) else {
      throw .wrongValue(path, "of 1 to \(most) parts", "of \(parts.count)")
    }
    var texts: [String] = []
    for (index, part) in parts.enumerated() {
      texts.append(try text(ParameterReader(part, at: "\(path)[\(index)]")))
    }
    return texts.joined(separator: "\n")
  }

  private static func text(_ part: ParameterReader) throws(APIError) -> String {
    _ = try part.required("type")
    let type = try part.string("type") ?? ""
    guard type == "text" else {
      throw APIError(
        .invalidRequest,
        "'\(part.path("type"))': parts of type '\(abridged(type))' are not supported here; send text",
        param: part.path("type"), code: "unsupported_parameter")
    }
    _ = try part.required("text")
    return try part.string("text") ?? ""
  }
}
