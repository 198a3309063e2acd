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
