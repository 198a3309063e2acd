import Expect
import Foundation
import Testing
import Tokenizers

@Suite("Chat templates: conversations")
struct ChatTemplateConversationTests {
  @Test(
    "a template of each kind gives transformers' prompts for every conversation",
    arguments: [
      "brackets", "brackets-tools", "chatml", "chatml-thinking", "chatml-tools", "default-system",
      "headers", "headers-tools", "macros", "pipes", "tags", "turns",
    ])
  func conversations(name: String) throws {
    let source = String(
      decoding: try Fixtures.data("templates/\(name).jinja"), as: UTF8.self)
    let template = try ChatTemplate(source)
    #expect(try ChatTemplateGoldens.check(template, name, in: "conversations.json") == 84)
  }

  @Test("tools and documents are there and none when they are not given")
  func absent() throws {
    let template = try ChatTemplate(
      "{{ tools is defined and tools is none }} {{ documents is none }} {{ bos_token is defined }}")
    #expect(try template.render([], addGenerationPrompt: false) == "True True False")
    let given = try template.render(
      [], addGenerationPrompt: false, variables: ["tools": [], "bos_token": "<s>"])
    #expect(given == "False True True")
  }

  @Test("the messages and the generation prompt are no variables")
  func reserved() throws {
    let template = try ChatTemplate("")
    for name in ["messages", "add_generation_prompt"] {
      let error = try #require(throws: TemplateError.self) {
        try template.render([], addGenerationPrompt: true, variables: [name: 1])
      }
      #expect(error.message.contains(name))
    }
  }

  @Test("the time is told in the zone that is asked for")
  func zone() throws {
    let template = try ChatTemplate("{{ strftime_now('%d %b %Y %H:%M') }}")
    let zone = try #require(TimeZone(secondsFromGMT: -12 * 3600))
    let text = try template.render(
      [], addGenerationPrompt: false, now: ChatTemplateGoldens.now, timeZone: zone)
    #expect(text == "21 Nov 2024 08:50")
  }

  @Test("a message reads and writes the fields of JSON, the order kept")
  func messages() throws {
    let json = #"""
      {"role": "assistant", "content": null, "tool_calls": [{"b": 1, "a": {"z": 1.5, "y": "é"}}]}
      """#
    let message = try Message(try TemplateValue(json: json))
    #expect(message.content.isEmpty)
    #expect(message.fields["content"] == TemplateValue.none)
    let text = try ChatTemplate("{{ messages[0] | tojson }}").render(
      [message], addGenerationPrompt: false)
    #expect(text == json.trimmingCharacters(in: .whitespacesAndNewlines))
    let copy = try JSONDecoder().decode(Message.self, from: JSONEncoder().encode(message))
    #expect(copy == message)
    #expect(throws: TemplateError.self) { try Message(["content": "x"]) }
    #expect(throws: TemplateError.self) { try Message("x") }
  }

  @Test(
    "what is no JSON is refused with its place",
    arguments: [
      "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", ".5", "-", "nul", "\"\n\"", "\"\\x\"",
      "\"\\ud800\"", "\"\\u12\"", "1 2", "99999999999999999999", "+1", "1e", "\"",
      String(repeating: "[", count: 100_000),
    ])
  func badJSON(text: String) {
    #expect(throws: TemplateError.self) { try TemplateValue(json: text) }
  }
}
