import Digests
import Foundation
import Testing
import Tokenizers
import Training

@Suite("Dataset")
struct DatasetTests {
  func load(
    _ text: String, as name: String = "rows.jsonl", _ options: Dataset.Options = .init()
  ) throws -> [Example] {
    try Dataset(bytes: Array(text.utf8), path: name, options: options).examples
  }

  func message(
    _ text: String, as name: String = "rows.jsonl", _ options: Dataset.Options = .init()
  ) -> String? {
    do {
      _ = try load(text, as: name, options)
      return nil
    } catch { return (error as? TrainingError)?.message }
  }

  func pair(_ prompt: String, _ completion: String, separator: String = "") -> Example.Content {
    .completion(.init(prompt: prompt, separator: separator, completion: completion))
  }

  let chat = Example.Content.chat([
    Message(role: "user", content: "hi"), Message(role: "assistant", content: "hello"),
  ])

  @Test("reads chat, ShareGPT, prompts, instructions, labels and texts by their keys")
  func shapes() throws {
    let rows: [(String, Example.Content)] = [
      (
        #"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}"#,
        chat
      ),
      (
        #"{"messages":[{"role":"user","content":[{"type":"text","text":"h"},{"type":"text","text":"i"}],"name":null},{"role":"assistant","content":"hello"}],"text":"x"}"#,
        chat
      ),
      (
        #"{"conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"hello"}],"id":7}"#,
        chat
      ),
      (#"{"prompt":"a","completion":" b"}"#, pair("a", " b")),
      (#"{"instruction":"a","input":"","output":"b"}"#, pair("a", "b", separator: "\n\n")),
      (#"{"instruction":"a","input":"x","output":"b"}"#, pair("a\n\nx", "b", separator: "\n\n")),
      (#"{"text":"a","label":3}"#, pair("a", "3", separator: "\n")),
      (#"{"text":"a"}"#, .text("a", isComplete: true)),
    ]
    for (line, content) in rows {
      #expect(try load(line) == [Example(content, line: 1)], "\(line)")
    }
  }

  @Test("reads rows of a JSON list as it reads lines")
  func list() throws {
    let rows = try load(#" [{"text":"a"},{"text":"b"}] "#, as: "rows.json")
    #expect(rows.map(\.content) == [.text("a", isComplete: true), .text("b", isComplete: true)])
    #expect(message(#"[{"text":"a"},{"text":5}]"#, as: "rows.json")?.contains("row 2") == true)
    #expect(try load("{\"text\":\"a\"}\n{\"text\":\"b\"}", as: "rows.json").count == 2)
  }

  @Test("reads through a byte order mark, carriage returns and empty lines at the end")
  func lineEnds() throws {
    let rows = try load("\u{FEFF}{\"text\":\"a\"}\r\n{\"text\":\"b\"}\r\n\r\n \n\n")
    #expect(rows.map(\.line) == [1, 2])
  }

  @Test("fills templates with columns of any name, and counts quoted line ends as lines")
  func columns() throws {
    let csv = "question,answer,score\r\n\"a, \"\"b\"\"\nc\",d,1\r\ne,f,2\r\n"
    let options = Dataset.Options(prompt: "Q {{{question}}}:", completion: "{answer}={score}")
    #expect(
      try load(csv, as: "rows.csv", options) == [
        Example(pair("Q {a, \"b\"\nc}:", "d=1"), line: 2),
        Example(pair("Q {e}:", "f=2"), line: 4),
      ])
    #expect(
      try load("{\"question\":\"a\",\"answer\":true,\"score\":[1.5]}", options: options)
        == [Example(pair("Q {a}:", "true=[1.5]"), line: 1)])
  }

  func load(_ text: String, options: Dataset.Options) throws -> [Example] {
    try load(text, as: "rows.jsonl", options)
  }

  @Test("reads tab-separated columns, where a quote inside a field stands for itself")
  func tabs() throws {
    #expect(
      try load("text\tlabel\nsay \"hi\", he\tgood\n\"x\ty\"\tbad", as: "rows.tsv").map(\.content)
        == [
          pair("say \"hi\", he", "good", separator: "\n"), pair("x\ty", "bad", separator: "\n"),
        ])
  }

  @Test("puts paragraphs together up to the chunk's length and loses no line")
  func paragraphs() throws {
    let text = (1...40).map { "paragraph \($0)\nsecond line\n\n" }.joined()
    let rows = try load(text, as: "book.txt", .init(chunkLength: 100))
    var joined = ""
    for (index, row) in rows.enumerated() {
      guard case .text(let chunk, let isComplete) = row.content else {
        Issue.record("not a text")
        return
      }
      #expect(chunk.utf8.count <= 100)
      #expect(chunk.hasPrefix("paragraph"))
      #expect(isComplete == (index == rows.count - 1))
      joined += chunk
    }
    #expect(rows.count > 10)
    #expect(joined.filter { $0 != "\n" } == text.filter { $0 != "\n" })
  }

  @Test("takes the first rows only and still identifies the whole file")
  func limit() throws {
    let bytes = Array("{\"text\":\"a\"}\n{\"text\":\"b\"}\nnot read".utf8)
    let dataset = try Dataset(bytes: bytes, path: "rows.jsonl", options: .init(limit: 2))
    #expect(dataset.examples.count == 2)
    #expect(dataset.digest == Digest.of(bytes))
  }

  @Test(
    "stops at a row that cannot be read, with file, line and reason",
    arguments: [
      ("rows.jsonl", "{\"text\":\"a\"}\n{\"text\":}\n", "'rows.jsonl', line 2: "),
      ("rows.jsonl", "{\"text\":\"a\"}\n\n{\"text\":\"b\"}\n", "line 2: the line is empty"),
      ("rows.jsonl", "{\"text\":\"a\",\"text\":\"b\"}\n", "line 1: the key 'text' stands twice"),
      ("rows.jsonl", "[1]", "line 1: a row should be an object, found a list"),
      ("rows.jsonl", "{\"text\":5}", "line 1: 'text' should be a string, found an integer"),
      ("rows.jsonl", "{\"text\":\"a\"}\n{\"txt\":\"b\"}", "line 2: 'text' is missing"),
      ("rows.jsonl", "{\"txt\":\"a\"}", "line 1: cannot tell what to learn from 'txt'"),
      ("rows.jsonl", "{\"messages\":[]}", "line 1: 'messages' is empty"),
      (
        "rows.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":null}]}",
        "turn 1: 'content' should be a string, found null"
      ),
      (
        "rows.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"weight\":0}]}",
        "turn 1: 'weight' is not supported"
      ),
      (
        "rows.jsonl", "{\"conversations\":[{\"from\":\"narrator\",\"value\":\"a\"}]}",
        "turn 1: nobody is known as 'narrator'"
      ),
      (
        "rows.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[1]}",
        "line 1: 'tools' is not supported"
      ),
      ("rows.jsonl", "", "'rows.jsonl' holds no rows"),
      ("rows.csv", "text,label\na\n", "line 2: 1 fields where the header names 2 columns"),
      ("rows.csv", "text,label\na,\"b\n", "line 2: a quoted field is not closed"),
      ("rows.csv", "text,label\na,b\"c\"\n", "line 2: a quote inside a field"),
      ("rows.csv", "text,label\na,\"b\"c\n", "line 2: text after a field's closing quote"),
      ("rows.csv", "text,label\n\na,b\n", "line 2: the line is empty"),
      ("rows.csv", "text,text\na,b\n", "line 1: two columns are called 'text'"),
      ("rows.csv", "a,b\n1,2\n", "line 1: cannot tell what to learn from 'a', 'b'"),
      (
        "rows.csv", "a,b\n1,2\n",
        "rows have 'messages', 'conversations', 'prompt' and 'completion', 'instruction' and"
          + " 'output', 'text' and 'label', or 'text'; for other columns"
      ),
      ("rows.csv", "text,label", "'rows.csv' holds no rows"),
      ("rows.data", "words", "cannot tell the format of 'rows.data' by its name"),
    ])
  func refusals(name: String, text: String, reason: String) {
    let found = message(text, as: name)
    #expect(found?.contains(reason) == true, "\(found ?? "no error")")
  }

  @Test("finds two columns of one name among very many")
  func manyColumns() {
    let header = (0..<200_000).map { "a\($0)" }.joined(separator: ",") + ",b,b\n"
    #expect(message(header, as: "rows.csv") == "'rows.csv', line 1: two columns are called 'b'")
  }

  @Test("names the columns that there are where a template asks for another")
  func unknownColumn() {
    let options = Dataset.Options(prompt: "{txt}", completion: "{label}")
    #expect(
      message("text,label\na,b\n", as: "rows.csv", options)
        == "'rows.csv', line 1: there is no column 'txt'; the columns are 'text', 'label'")
    for template in ["{text", "text}", "{}"] {
      let options = Dataset.Options(prompt: template, completion: "{label}")
      #expect(
        message("text,label\na,b\n", as: "rows.csv", options)?.contains("for a brace") == true)
    }
    let half = Dataset.Options(prompt: "{text}")
    #expect(message("text,label\na,b\n", as: "rows.csv", half)?.contains("completion") == true)
  }

  @Test("stops at bytes that are not UTF-8", arguments: ["rows.jsonl", "rows.csv", "rows.txt"])
  func notUnicode(name: String) {
    let first = name == "rows.jsonl" ? "{\"text\":\"a\"}\n{\"text\":\"" : "text\na"
    do {
      _ = try Dataset(
        bytes: Array(first.utf8) + [0xC3, 0x28] + Array((name == "rows.jsonl" ? "\"}" : "").utf8),
        path: name)
      Issue.record("read")
    } catch {
      #expect(error.message.contains("line 2: "), "\(error)")
      #expect(error.message.contains("not valid UTF-8"), "\(error)")
    }
  }

  @Test("stops at UTF-16, a file that is not there and a folder")
  func unreadable() {
    #expect(throws: TrainingError.self) {
      try Dataset(bytes: [0xFF, 0xFE, 0x61, 0], path: "a.txt")
    }
    #expect(throws: TrainingError.self) { try Dataset.load(path: "/nowhere/rows.jsonl") }
    #expect(throws: TrainingError.self) { try Dataset.load(path: "/") }
  }

  @Test("never crashes on damaged files")
  func damaged() {
    let texts = [
      #"{"messages":[{"role":"user","content":"h\u00e9"},{"role":"assistant","content":"b"}]}"#,
      "a,\"b\"\"\n\",c\r\n1,\"2\",3\n", "text\tlabel\nx\ty\n", "one\n\ntwo\r\n",
    ]
    for (text, name) in zip(texts, ["a.jsonl", "a.csv", "a.tsv", "a.txt"]) {
      let bytes = Array(text.utf8)
      for index in bytes.indices {
        _ = try? Dataset(bytes: Array(bytes[..<index]), path: name)
        for byte: UInt8 in [0, 0x0A, 0x0D, 0x22, 0x2C, 0x7B, 0x80, 0xFF] {
          var damaged = bytes
          damaged[index] = byte
          _ = try? Dataset(bytes: damaged, path: name)
        }
      }
    }
  }
}
