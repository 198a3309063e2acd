import Expect
import Foundation
import Testing
import Tokenizers

/// What transformers made of templates: `Tests/Fixtures/templates/make_templates.py` writes these
/// files.
enum ChatTemplateGoldens {
  /// The golden at `name`, its keys in order.
  static func load(_ name: String) throws -> TemplateDictionary {
    let text = String(decoding: try Fixtures.data("templates/\(name)"), as: UTF8.self)
    return try #require(dictionary(try TemplateValue(json: text)))
  }

  static func dictionary(_ value: TemplateValue?) -> TemplateDictionary? {
    if case .dictionary(let dictionary) = value { dictionary } else { nil }
  }

  static func list(_ value: TemplateValue?) -> [TemplateValue]? {
    if case .list(let items) = value { items } else { nil }
  }

  static func string(_ value: TemplateValue?) -> String? {
    if case .string(let text) = value { text } else { nil }
  }

  /// The variables of a context, as a rendering takes them.
  static func variables(_ dictionary: TemplateDictionary) -> [String: TemplateValue] {
    Dictionary(uniqueKeysWithValues: dictionary.pairs.map { ($0.key, $0.value) })
  }

  /// The time at which the goldens were made.
  static let now = Date(timeIntervalSince1970: 1_732_222_222.5)
  static let timeZone = TimeZone(secondsFromGMT: 0) ?? .current

  /// Renders every conversation of the golden at `file` that is for the template `name`, and says where one differs; how
  /// many there were.
  static func check(_ template: ChatTemplate, _ name: String, in file: String) throws -> Int {
    let golden = try load(file)
    let conversations = try #require(dictionary(golden["conversations"]))
    let contexts = try #require(list(golden["variables"]))
    var count = 0
    for entry in try #require(list(golden["cases"])) {
      let entry = try #require(dictionary(entry))
      guard entry["template"] == .string(name), case .int(let index) = entry["variables"] else {
        continue
      }
      let title = try #require(string(entry["conversation"]))
      let messages = try #require(list(conversations[title]))
      let values = try #require(dictionary(contexts[index]))
      let prompts = entry["prompt"] == .bool(true)
      let told = difference(entry) {
        try template.render(
          try messages.map { try Message($0) }, addGenerationPrompt: prompts,
          variables: variables(values), now: now, timeZone: timeZone)
      }
      if let told { Issue.record("\(title), prompt \(prompts), \(index): \(told)") }
      count += 1
    }
    return count
  }

  /// Says how an outcome differs from a golden's `output`, or from its `error`; nil where it does
  /// not.
  static func difference(
    _ golden: TemplateDictionary, _ render: () throws -> String
  ) -> String? {
    do {
      let text = try render()
      guard let output = string(golden["output"]) else {
        return "rendered \(text.debugDescription) where Jinja says \(golden["error"] ?? .none)"
      }
      guard !text.utf8.elementsEqual(output.utf8) else { return nil }
      return "rendered \(text.debugDescription)\nwhere Jinja has \(output.debugDescription)"
    } catch {
      return golden["output"] == nil ? nil : "\(error)"
    }
  }
}
