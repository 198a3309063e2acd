public import Foundation

/// A checkpoint's own chat template, run as transformers' `apply_chat_template` runs it.
///
/// The text is Jinja (3.1), in the settings and with the additions of transformers. What is not
/// supported is an error that names it,
/// when the template is parsed where possible and else when it is reached; there is never a prompt
/// that transformers would not give.
public struct ChatTemplate: Sendable {
  /// The template's text.
  public let source: String
  /// What a rendering may use.
  public var limits: TemplateLimits
  private let statements: [Jinja.Statement]
  private let ownNames: [String]

  /// Parses a template.
  public init(_ source: String, limits: TemplateLimits = TemplateLimits()) throws(TemplateError) {
    guard source.utf8.count <= limits.sourceBytes else {
      throw TemplateError(
        .limit, "\(source.utf8.count) bytes of text, where \(limits.sourceBytes) are allowed")
    }
    self.source = source
    self.limits = limits
    statements = try Jinja.Parser.statements(of: source)
    ownNames = Jinja.ownNames(of: statements)
  }

  /// The prompt of a conversation.
  ///
  /// The template sees `messages`, `add_generation_prompt`, `tools` and `documents` (none unless
  /// given) and each of `variables`.
  /// - Parameters:
  ///   - variables: The special tokens (`bos_token`, `eos_token`, ...), `tools` and whatever else
  ///     the template reads
  ///     (`enable_thinking`, `date_string`).
  ///   - now: The time that `strftime_now` tells, in `timeZone`.
  public func render(
    _ messages: [Message], addGenerationPrompt: Bool, variables: [String: TemplateValue] = [:],
    now: Date = Date(), timeZone: TimeZone = .current
  ) throws(TemplateError) -> String {
    var context = variables
    for name in ["messages", "add_generation_prompt"] where variables[name] != nil {
      throw TemplateError(.badValue, "'\(name)' is an argument of its own, not a variable")
    }
    context["messages"] = .list(messages.map { $0.templateValue })
    context["add_generation_prompt"] = .bool(addGenerationPrompt)
    for name in ["tools", "documents"] where context[name] == nil {
      context[name] = TemplateValue.none
    }
    return try render(context: context, now: now, timeZone: timeZone)
  }

  /// Renders with exactly the variables of `context`.
  package func render(
    context: [String: TemplateValue], now: Date = Date(), timeZone: TimeZone = .current
  ) throws(TemplateError) -> String {
    let interpreter = Jinja.Interpreter(limits: limits, now: now, timeZone: timeZone)
    return try interpreter.render(statements, context, ownNames: ownNames)
  }
}
