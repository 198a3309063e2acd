import CommandLineTool
import Testing

/// One run of the tool into memory.
final class Recording {
  private(set) var output = ""
  private(set) var error = ""
  private(set) var code = ExitCode.done

  convenience init(_ arguments: String...) { self.init(arguments, environment: [:]) }

  /// - Parameter width: Columns of the terminal; nil where the output is a file.
  /// - Parameter losesOutput: Whether results cannot be written.
  init(
    _ arguments: [String], environment: [String: String], width: Int? = nil,
    losesOutput: Bool = false
  ) {
    var facts = Console.Facts()
    facts.outputWidth = width
    let console = Console(
      facts: facts,
      output: {
        guard !losesOutput else { return false }
        self.output += $0
        return true
      }, error: { self.error += $0 })
    code = Tool.run(arguments, console: console, environment: environment)
  }
}

@Suite("The tool") struct ToolTests {
  @Test("misuse is one line on the error stream and exit code 2")
  func misuse() {
    let run = Recording("base", "ad", "x")
    #expect(run.code == .usage && run.output.isEmpty)
    let line = "there is no command 'base ad'; did you mean 'add'? (see 'lorikeet base --help')"
    #expect(run.error == "lorikeet: \(line)\n")
  }

  @Test("an error of any length and shape is one line of at most 500 characters, its end kept")
  func longError() {
    let name = String(repeating: "e\u{301}\n\t\u{1B}", count: 50_000)
    let line = oneLine(UsageError("no '\(name)'; try again", command: "list"))
    #expect(line.unicodeScalars.count <= 500)
    #expect(!line.unicodeScalars.contains { $0.value < 0x20 })
    #expect(line.hasPrefix("no 'e\u{301} "))
    #expect(line.hasSuffix("'; try again (see 'lorikeet list --help')"))
  }

  @Test("a result that cannot be written is no success")
  func lostOutput() {
    for arguments in [["--help"], ["--version"]] {
      let run = Recording(arguments, environment: [:], losesOutput: true)
      #expect(run.code == .data && run.error.contains("could not be written"))
    }
  }

  @Test("help and version go to the output")
  func help() {
    #expect(Recording("--help").output.hasPrefix("lorikeet: train"))
    #expect(Recording("--version").output == "lorikeet \(Tool.version)\n")
    let page = Recording("help", "base", "add").output
    #expect(page.contains("Usage: lorikeet base add [OPTIONS] PATH\n"))
  }
}
