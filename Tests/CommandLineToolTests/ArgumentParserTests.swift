import CommandLineTool
import Testing

private let parser = ArgumentParser(
  commands: [
    CommandSpec(
      "train", group: "Training", summary: "train",
      positionals: [PositionalSpec("RECIPE", .several, help: "a recipe")],
      options: [
        OptionSpec("rank", "N", help: "the rank"), OptionSpec("lr", "RATE", help: "the rate"),
        OptionSpec("with", "REF", repeats: true, help: "a reference"),
        OptionSpec("resume", help: "go on"),
      ]),
    CommandSpec(
      "base add", group: "Bases", summary: "add",
      positionals: [PositionalSpec("PATH", help: "a path")]),
    CommandSpec("base list", group: "Bases", summary: "list"),
  ], globals: [OptionSpec("registry", "FILE", help: "the file"), OptionSpec("json", help: "JSON")])

private func parsed(_ arguments: [String]) throws -> ParsedCommand {
  guard case .run(let command) = try parser.parse(arguments) else {
    throw UsageError("no command in \(arguments)")
  }
  return command
}

private func helpWords(_ arguments: [String]) throws -> [String]? {
  guard case .help(let words) = try parser.parse(arguments) else { return nil }
  return words
}

@Suite("The argument parser") struct ArgumentParserTests {
  @Test("options stand anywhere, with a space or an equals sign, and -- ends them")
  func places() throws {
    let command = try parsed([
      "--registry", "a.sqlite", "train", "x", "--rank=8", "--with", "p", "--with=q", "--json",
      "- a list", "--", "--rank", "-x",
    ])
    #expect(command.spec.name == "train")
    #expect(command.positionals == ["x", "- a list", "--rank", "-x"])
    #expect(command.string("registry") == "a.sqlite")
    #expect(try command.integer("rank", in: 1...64) == 8)
    #expect(command.strings("with") == ["p", "q"])
    #expect(command.flag("json") && !command.flag("resume"))
    #expect(try parsed(["train", "x", "--lr=", "--rank", "-3"]).string("lr") == "")
  }

  @Test("commands of two words are found", arguments: ["add", "list"])
  func twoWords(word: String) throws {
    #expect(try parsed(["base", word] + (word == "add" ? ["p"] : [])).spec.path == ["base", word])
  }

  @Test(
    "what is not understood is one line that names the nearest",
    arguments: [
      (["trian"], "there is no command 'trian'; did you mean 'train'?"),
      (["base", "lst"], "there is no command 'base lst'; did you mean 'list'?"),
      (["base", "frobnicate"], "there is no command 'base frobnicate'; there is add, list"),
      (["base"], "'base' needs a word more: add, list"),
      (
        ["train", "x", "--rnak", "8"],
        "there is no option '--rnak' for 'train'; did you mean '--rank'?"
      ),
      (["train", "x", "-r"], "there is no option '-r' for 'train'"),
      (["--regsitry", "x"], "there is no option '--regsitry' here; did you mean '--registry'?"),
      (["train", "x", "--rank"], "--rank needs a value: --rank N"),
      (["train", "x", "--rank", "--json"], "--rank needs a value: --rank N"),
      (["train", "x", "--resume=yes"], "--resume takes no value"),
      (["train", "x", "--rank", "1", "--rank", "2"], "--rank is given twice"),
      (["train"], "RECIPE is missing: a recipe"),
      (["base", "add"], "PATH is missing: a path"),
      (
        ["base", "add", "a", "b"], "unexpected argument 'b'; put an argument with spaces in quotes"
      ),
      (["help", "trian"], "there is no command 'trian'; did you mean 'train'?"),
      (["trian", "--help"], "there is no command 'trian'; did you mean 'train'?"),
    ])
  func complaints(arguments: [String], expected: String) {
    let error = #expect(throws: UsageError.self) { try parser.parse(arguments) }
    #expect(error?.message == expected)
  }

  @Test(
    "integers out of range say what the option takes",
    arguments: [
      ("0", nil), ("65", nil), ("eight", nil), ("8.0", nil), ("", nil), ("1", 1), ("64", 64),
    ] as [(String, Int?)])
  func integers(text: String, expected: Int?) throws {
    let command = try parsed(["train", "x", "--rank=\(text)"])
    guard let expected else {
      let message = "--rank takes an integer from 1 to 64, not '\(text)'"
      #expect(throws: UsageError(message, command: "train")) {
        try command.integer("rank", in: 1...64)
      }
      return
    }
    #expect(try command.integer("rank", in: 1...64) == expected)
  }

  @Test(
    "numbers are finite, plain and within their range",
    arguments: [
      ("5e-4", 5e-4), (".5", 0.5), ("1", nil), ("-0.1", nil), ("nan", nil), ("0x1p-3", nil),
      ("", nil),
    ] as [(String, Double?)])
  func numbers(text: String, expected: Double?) throws {
    let command = try parsed(["train", "x", "--lr=\(text)"])
    guard let expected else {
      let message = "--lr takes a number from 0 to 1 but not 1, not '\(text)'"
      #expect(throws: UsageError(message, command: "train")) {
        try command.number("lr", from: 0, to: 1, barring: [1])
      }
      return
    }
    #expect(try command.number("lr", from: 0, to: 1, barring: [1]) == expected)
  }

  @Test("help and version are asked for in every usual way")
  func help() throws {
    for arguments in [[], ["--help"], ["-h"], ["help"]] {
      #expect(try helpWords(arguments) == [])
    }
    for arguments in [
      ["base", "add", "--help"], ["help", "base", "add"], ["--help", "base", "add", "x"],
    ] { #expect(try helpWords(arguments) == ["base", "add"]) }
    guard case .version = try parser.parse(["--version"]) else {
      Issue.record("no version")
      return
    }
    #expect(try parsed(["train", "--", "--help"]).positionals == ["--help"])
  }
}
