import CommandLineTool
import Testing

@Suite("The help") struct HelpTests {
  static let help = Help(ArgumentParser(commands: Tool.commands.map(\.spec), globals: Tool.globals))

  @Test("every page fits 80 columns and ends with a line break")
  func width() {
    for words in [[], ["base"], ["key"]] + Tool.commands.map(\.spec.path) {
      let page = Self.help.page(words)
      for line in page.split(separator: "\n") {
        #expect(displayWidth(line) <= 79, "'\(line)'")
        #expect(!line.hasSuffix(" "), "'\(line)'")
      }
      #expect(page.hasSuffix("\n") && !page.hasSuffix("\n\n"))
    }
  }

  @Test("every example is one that the parser reads", arguments: Tool.commands.map(\.spec.path))
  func examples(path: [String]) throws {
    let spec = try #require(Self.help.parser.command(path))
    #expect(!spec.examples.isEmpty)
    for example in spec.examples {
      var words: [String] = []
      // A shell's words, as far as examples need it: spaces part them, quotes hold them together.
      let parts = example.line.split(separator: "'", omittingEmptySubsequences: false)
      for (index, part) in parts.enumerated() {
        words += index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
      }
      #expect(words.first == "lorikeet")
      guard case .run(let parsed) = try Self.help.parser.parse(Array(words.dropFirst())) else {
        Issue.record("'\(example.line)' runs nothing")
        continue
      }
      #expect(parsed.spec.path == path)
    }
  }

  @Test("the tool's page names every command and the exit codes")
  func overview() {
    let page = Self.help.page([])
    for command in Tool.commands { #expect(page.contains("  \(command.spec.name)")) }
    #expect(page.contains("Exit codes: 0 done, 1"))
  }
}
