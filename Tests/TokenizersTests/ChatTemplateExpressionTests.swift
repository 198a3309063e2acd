import Foundation
import Testing
import Tokenizers

@Suite("Chat templates: expressions and statements")
struct ChatTemplateExpressionTests {
  @Test("every small template gives what Jinja gives, or is refused where Jinja refuses")
  func expressions() throws {
    let golden = try ChatTemplateGoldens.load("expressions.json")
    let context = try #require(ChatTemplateGoldens.dictionary(golden["context"]))
    let cases = try #require(ChatTemplateGoldens.list(golden["cases"]))
    #expect(cases.count > 250)
    for entry in cases {
      let entry = try #require(ChatTemplateGoldens.dictionary(entry))
      let source = try #require(ChatTemplateGoldens.string(entry["template"]))
      let difference = ChatTemplateGoldens.difference(entry) {
        try ChatTemplate(source).render(
          context: ChatTemplateGoldens.variables(context), now: ChatTemplateGoldens.now,
          timeZone: ChatTemplateGoldens.timeZone)
      }
      if let difference { Issue.record("\(source)\n\(difference)") }
    }
  }

  @Test(
    "what is not supported is an error that names it and its line",
    arguments: [
      ("a\n{% block title %}{% endblock %}", "'block'"),
      ("\n\n{% include 'x' %}", "'include'"),
      ("{% import 'x' as y %}", "'import'"),
      ("{% extends 'x' %}", "'extends'"),
      ("{% autoescape true %}{% endautoescape %}", "'autoescape'"),
      ("{% for x in y recursive %}{% endfor %}", "recursive"),
      ("{{ x | urlize }}", "'urlize'"),
      ("{{ 'a'.encode() }}", "'encode'"),
      ("{{ (5).real }}", "'real'"),
      ("{{ 'a'.upper }}", "printed"),
      ("{{ lipsum() }}", "'lipsum'"),
      ("{{ 9223372036854775807 + 1 }}", "64 bits"),
      ("{{ 99999999999999999999 }}", "64 bits"),
      ("{{ '\\N{DASH}' }}", "\\N"),
      ("{{ \u{e9}t\u{e9} }}", "ASCII"),
      ("{{ strftime_now('%Q') }}", "%Q"),
    ])
  func unsupported(source: String, named: String) throws {
    let error = try #require(throws: TemplateError.self) {
      try ChatTemplate(source).render(context: [:])
    }
    #expect(error.code == .unsupported)
    #expect(error.message.contains(named), "\(error)")
    #expect(error.line == 1 + source.prefix { $0 == "\n" || $0 == "a" }.count { $0 == "\n" })
  }

  @Test("a filter that does not exist is refused when the template is parsed, where Jinja does so")
  func missingFilter() throws {
    #expect(throws: TemplateError.self) { try ChatTemplate("{{ x | nosuch }}") }
    #expect(throws: TemplateError.self) {
      try ChatTemplate("{% if x %}{% for y in x %}{{ y is nosuch }}{% endfor %}{% endif %}")
    }
    let guarded = try ChatTemplate("{% if x %}{{ x | nosuch }}{% endif %}fine")
    #expect(try guarded.render(context: [:]) == "fine")
    #expect(throws: TemplateError.self) { try guarded.render(context: ["x": 1]) }
  }

  @Test("an error tells the line it stands on")
  func lines() throws {
    let template = try ChatTemplate("a\n{% if true %}\n\n{{ 'x' +\n 1 }}\n{% endif %}")
    let error = try #require(throws: TemplateError.self) { try template.render(context: [:]) }
    #expect(error.code == .wrongType)
    #expect(error.line == 4 || error.line == 5)
    let raised = try ChatTemplate("\n{{ raise_exception('No ' ~ 'way') }}")
    #expect(throws: TemplateError(.raised, "No way", line: 2)) { try raised.render(context: [:]) }
    let missing = try ChatTemplate("\n\n{{ messages[0].role.x }}")
    let undefined = try #require(throws: TemplateError.self) {
      try missing.render(context: ["messages": [[:]]])
    }
    #expect(undefined.code == .undefined)
    #expect(undefined.description.hasPrefix("chat template, line 3: "))
  }
}
