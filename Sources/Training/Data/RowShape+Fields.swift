import JSON
import Tokenizers

/// Turns that one conversation may have: each answer is rendered with all that goes before it.
private let maximumTurns = 1000

extension JSONObject {
  /// The string under `key`.
  func text(_ key: String) throws(RowShape.Problem) -> String {
    guard let value = self[key] else { throw missing(key) }
    guard let text = value.stringValue else {
      throw RowShape.Problem(message: "'\(key)' should be a string, found \(value.kind)")
    }
    return text
  }

  /// The string under `key`, or nil where there is none or it is empty.
  func optionalText(_ key: String) throws(RowShape.Problem) -> String? {
    guard let value = self[key], !value.isEmptyOrNull else { return nil }
    return try text(key)
  }

  /// The value under `key` as text: a string as it is, anything else as JSON.
  func written(_ key: String) throws(RowShape.Problem) -> String {
    guard let value = self[key] else { throw missing(key) }
    guard !value.isNull else { throw RowShape.Problem(message: "'\(key)' is null") }
    return value.stringValue ?? value.text()
  }

  /// The conversation under `key`, whose turns have a role and a text under these keys.
  func turns(
    _ key: String, role roleKey: String, text textKey: String, _ known: (String) -> String?
  ) throws(RowShape.Problem) -> [Message] {
    guard let value = self[key] else { throw missing(key) }
    guard let turns = value.arrayValue else {
      throw RowShape.Problem(message: "'\(key)' should be a list, found \(value.kind)")
    }
    guard !turns.isEmpty else { throw RowShape.Problem(message: "'\(key)' is empty") }
    guard turns.count <= maximumTurns else {
      throw RowShape.Problem(message: "'\(key)' has more than \(maximumTurns) turns")
    }
    var messages: [Message] = []
    for (index, turn) in turns.enumerated() {
      do throws(RowShape.Problem) {
        guard let turn = turn.objectValue else {
          throw RowShape.Problem(message: "should be an object, found \(turn.kind)")
        }
        messages.append(try turn.message(roleKey, textKey, known))
      } catch {
        throw RowShape.Problem(message: "'\(key)', turn \(index + 1): \(error.message)")
      }
    }
    return messages
  }

  private func message(
    _ roleKey: String, _ textKey: String, _ known: (String) -> String?
  ) throws(RowShape.Problem) -> Message {
    for member in members where member.key != roleKey && member.key != textKey {
      guard !member.value.isEmptyOrNull else { continue }
      throw RowShape.Problem(
        message: "'\(member.key)' is not supported; a turn has '\(roleKey)' and '\(textKey)'")
    }
    let speaker = try text(roleKey)
    guard let role = known(speaker), !role.isEmpty else {
      throw RowShape.Problem(message: "nobody is known as '\(speaker)'")
    }
    return Message(role: role, content: try content(textKey))
  }

  /// The text of a turn, also where it is given as a list of parts.
  private func content(_ key: String) throws(RowShape.Problem) -> String {
    guard let parts = self[key]?.arrayValue else { return try text(key) }
    var whole = ""
    for part in parts {
      guard part["type"]?.stringValue == "text", let text = part["text"]?.stringValue else {
        throw RowShape.Problem(message: "'\(key)' holds a part that is not text")
      }
      whole += text
    }
    return whole
  }

  private func missing(_ key: String) -> RowShape.Problem {
    RowShape.Problem(message: "'\(key)' is missing; there is \(quoted(keys))")
  }
}

extension JSONValue {
  /// Whether there is nothing here: null, or an empty string, list or object.
  var isEmptyOrNull: Bool {
    switch self {
    case .null: true
    case .string(let text): text.isEmpty
    case .array(let elements): elements.isEmpty
    case .object(let object): object.isEmpty
    default: false
    }
  }
}
