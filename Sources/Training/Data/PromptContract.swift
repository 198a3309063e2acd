public import Foundation
public import JSON
public import Tokenizers

/// How an adapter was spoken to while it learnt, and how it must be spoken to ever after.
///
/// It is part of a version's identity: generation refuses a tokenizer or template other than these.
public struct PromptContract: Sendable, Equatable {
  /// How questions are written.
  public enum Style: String, Sendable, CaseIterable {
    /// Through the chat template.
    case chat
    /// As they are.
    case plain
  }

  /// A token that ends an answer.
  public struct Stop: Sendable, Equatable {
    /// Its number.
    public var token: Token
    /// Its spelling in the vocabulary.
    public var text: String

    /// A token and its spelling.
    public init(token: Token, text: String) {
      self.token = token
      self.text = text
    }
  }

  /// How questions are written.
  public var style: Style
  /// The text of the checkpoint's chat template; nil in plain style.
  public var chatTemplate: String?
  /// What the system is always told first; nil where each conversation may say its own.
  public var system: String?
  /// The spelling of the token that begins a sequence, which templates write.
  public var beginOfSequence: String?
  /// The spelling of the token that ends a sequence.
  public var endOfSequence: String?
  /// The tokens that end an answer, by number.
  public var stops: [Stop]
  /// The SHA-256 of the tokenizer's canonical description, in hexadecimal.
  public var tokenizer: String

  /// A contract of these terms.
  public init(
    style: Style, chatTemplate: String? = nil, system: String? = nil,
    beginOfSequence: String? = nil, endOfSequence: String? = nil, stops: [Stop], tokenizer: String
  ) {
    self.style = style
    self.chatTemplate = chatTemplate
    self.system = system
    self.beginOfSequence = beginOfSequence
    self.endOfSequence = endOfSequence
    self.stops = stops.sorted { $0.token < $1.token }
    self.tokenizer = tokenizer
  }
}

extension PromptContract {
  /// The terms as JSON.
  public var json: JSONValue {
    [
      "version": 1,
      "style": .string(style.rawValue),
      "chatTemplate": string(chatTemplate),
      "system": string(system),
      "beginOfSequence": string(beginOfSequence),
      "endOfSequence": string(endOfSequence),
      "stops": .array(stops.map { ["token": .int(Int($0.token)), "text": .string($0.text)] }),
      "tokenizer": .string(tokenizer),
    ]
  }

  /// The one JSON text of these terms: sorted keys, no spaces.
  public var canonicalJSON: Data { Data(json.bytes(.canonical)) }

  /// Reads what `canonicalJSON` wrote.
  public init(canonicalJSON: Data) throws(TrainingError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: canonicalJSON) } catch {
      throw TrainingError(.badTemplate, "the prompt contract is not JSON: \(error.message)")
    }
    guard value["version"]?.intValue == 1 else {
      throw TrainingError(.badTemplate, "the prompt contract is of a version other than 1")
    }
    guard let style = value["style"]?.stringValue.flatMap(Style.init(rawValue:)),
      let tokenizer = value["tokenizer"]?.stringValue, let list = value["stops"]?.arrayValue
    else {
      throw TrainingError(
        .badTemplate, "the prompt contract lacks a style, a tokenizer or its stops")
    }
    var stops: [Stop] = []
    for stop in list {
      guard let token = stop["token"]?.intValue.flatMap(Token.init(exactly:)), token >= 0,
        let text = stop["text"]?.stringValue
      else { throw TrainingError(.badTemplate, "the prompt contract has a stop without a token") }
      stops.append(Stop(token: token, text: text))
    }
    self.init(
      style: style, chatTemplate: value["chatTemplate"]?.stringValue,
      system: value["system"]?.stringValue,
      beginOfSequence: value["beginOfSequence"]?.stringValue,
      endOfSequence: value["endOfSequence"]?.stringValue, stops: stops, tokenizer: tokenizer)
    guard style == .plain || chatTemplate != nil else {
      throw TrainingError(.badTemplate, "the prompt contract asks for a chat template and has none")
    }
  }

  private func string(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

  /// Refuses a tokenizer other than the one that the adapter learnt with.
  /// - Parameter digest: The tokenizer's SHA-256 in hexadecimal.
  public func check(tokenizer digest: String) throws(TrainingError) {
    guard digest == tokenizer else {
      throw TrainingError(
        .badTemplate,
        "the adapter learnt with tokenizer \(tokenizer.prefix(12)), the base has"
          + " \(digest.prefix(12)): its prompts would mean something else")
    }
  }
}
