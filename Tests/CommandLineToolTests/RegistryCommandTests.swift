import CommandLineTool
import Digests
import Foundation
import JSON
import Registry
import Testing

/// A home folder of its own with two versions of one adapter in its registry, made without any model.
final class ScratchHome {
  let folder: URL

  init(versions: Int = 2) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    guard versions > 0 else { return }
    let registry = try Registry(path: folder.appendingPathComponent("registry.sqlite").path)
    let base = try registry.addBase(
      NewBase(
        fingerprint: Digest.of("base"), name: "tiny", path: "/models/tiny", format: "gguf",
        size: 1_500_000, modified: Date(timeIntervalSince1970: 0), architecture: "llama",
        parameterCount: 1_200_000, configuration: "{}"))
    for number in 1...versions {
      _ = try registry.publish(
        NewVersion(
          adapter: "acme/support", digest: Digest.of("version \(number)"),
          base: base.facts.fingerprint, method: "lora", rank: 8 * number, alpha: 16,
          configuration: "{}", promptContract: "{}", weights: Array("weights \(number)".utf8)))
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Runs the tool with this home.
  func run(_ arguments: String...) -> Recording { run(arguments) }

  func run(_ arguments: [String], losesOutput: Bool = false) -> Recording {
    Recording(
      arguments, environment: ["LORIKEET_HOME": folder.path], losesOutput: losesOutput)
  }
}

@Suite("The registry's commands") struct RegistryCommandTests {
  @Test("an empty registry says what to do, and is an empty list for a script")
  func empty() throws {
    let home = try ScratchHome(versions: 0)
    let list = home.run("list")
    #expect(list.code == .done && list.output.isEmpty)
    #expect(list.error.contains("lorikeet train"))
    #expect(home.run("list", "--json").output == "[]\n")
    #expect(home.run("runs", "--json").output == "[]\n")
    let show = home.run("base", "show")
    #expect(show.code == .data)
    #expect(show.error.contains("lorikeet base pull smollm2-135m-instruct"))
  }

  @Test("an alias is set, moved and rolled back, and show tells of it")
  func aliases() throws {
    let home = try ScratchHome()
    let name = "acme/support"
    #expect(
      home.run("alias", "\(name)@1", "production").output == "\(name):production -> version 1\n")
    #expect(
      home.run("alias", "\(name)@2", "production").output
        == "\(name):production -> version 2 (was 1)\n")
    #expect(home.run("show", name).output.contains("\(name)@2  (production)"))
    let back = home.run("rollback", name, "production", "--json")
    let json = try JSONValue(parsing: back.output)
    #expect(json["version"] == 1 && json["previous"] == 2)
    let shown = try JSONValue(parsing: home.run("show", name, "--json").output)
    #expect(shown["reference"] == "acme/support@1" && shown["aliases"]?["production"] == 1)
    #expect(shown["aliasHistory"]?.arrayValue?.count == 3)
    #expect(shown["versions"]?.arrayValue?.count == 2)
    let again = home.run("rollback", name, "production")
    #expect(again.code == .data && again.error.split(separator: "\n").count == 1)
    #expect(home.run("alias", name, "production", "--remove").code == .done)
    let list = try JSONValue(parsing: home.run("list", "--json").output)
    #expect(list.arrayValue?.first?["aliases"] == .object(JSONObject([])))
  }

  @Test("a terminal is given a page and told how to go on; a file and a script are given all")
  func pages() throws {
    let home = try ScratchHome(versions: 1)
    let registry = try Registry(path: home.folder.appendingPathComponent("registry.sqlite").path)
    try registry.write { database in
      for index in 100..<160 {
        let version = NewVersion(
          adapter: "team/\(index)", digest: Digest.of("version \(index)"), base: Digest.of("base"),
          method: "lora", rank: 8, alpha: 16, configuration: "{}", promptContract: "{}",
          weights: Array("\(index)".utf8))
        _ = try registry.publish(version, weights: Digest.of(version.weights), in: database)
      }
    }
    func lines(_ arguments: String..., width: Int? = 100) -> (count: Int, note: String) {
      let run = Recording(
        ["list"] + arguments, environment: ["LORIKEET_HOME": home.folder.path, "NO_COLOR": "1"],
        width: width)
      return (run.output.split(separator: "\n").count - 1, run.error)
    }
    let first = lines()
    #expect(first.count == 50)
    #expect(first.note == "there are more: --after team/148, --limit N or --all\n")
    #expect(lines("--after", "team/148") == (11, ""))
    #expect(lines("--all") == (61, "") && lines(width: nil) == (61, ""))
    #expect(lines("--limit", "60").note == "there are more: --after team/158, --limit N or --all\n")
    #expect(lines("--limit", "61") == (61, ""))
    #expect(lines("--sort", "size").note == "there are more: --limit N or --all\n")
    #expect(lines("--all", "--limit", "3").note.contains("exclude each other"))
    #expect(lines("--name", "nothing*").note == "no adapter matches\n")
    #expect(try JSONValue(parsing: home.run("list", "--json").output).arrayValue?.count == 61)
    let base = home.run("base", "show", "tiny").output
    #expect(base.contains("team/118 and more: 'lorikeet list --base tiny'"), "\(base)")
  }

  @Test("versions that are removed together go, or none does")
  func removal() throws {
    let home = try ScratchHome(versions: 3)
    let run = home.run("rm", "acme/support@1", "nothing@1")
    #expect(run.code == .data && run.output.isEmpty && run.error.contains("no adapter 'nothing'"))
    #expect(home.run("show", "acme/support@1").code == .done)
    let gone = home.run("rm", "acme/support@1", "acme/support@2")
    #expect(gone.output == "removed acme/support@1\nremoved acme/support@2\n")
  }

  @Test("history tells what a note says, and show what it is about")
  func notes() throws {
    let home = try ScratchHome()
    #expect(home.run("note", "acme/support", "for the shop").code == .done)
    #expect(home.run("note", "acme/support@2", "without June").code == .done)
    let history = home.run("history", "acme/support").output
    #expect(history.contains("acme/support@2  without June"), "\(history)")
    #expect(history.contains("acme/support    for the shop"), "\(history)")
    let shown = home.run("show", "acme/support@2").output
    #expect(shown.contains("without June (on version 2, just now, "), "\(shown)")
    #expect(shown.contains("for the shop (on the adapter, just now, "), "\(shown)")
  }

  @Test(
    "a directory whose name is no name is called by one made of it; one that makes none asks for --name"
  )
  func importedNames() throws {
    let home = try ScratchHome()
    for (folder, part) in [
      ("日本", "no name can be made of '日本'; give one with --name"),
      ("base", "no name can be made of 'base'; give one with --name"),
      ("Check Point_3", "/models/tiny"),
    ] {
      let path = home.folder.appendingPathComponent(folder).path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let run = home.run("import", path)
      #expect(run.code == .data && run.error.contains(part), "\(run.error)")
    }
  }

  @Test(
    "at 80 columns a list keeps what matters whole, at 40 nothing is wider", arguments: 20...120)
  func widths(width: Int) throws {
    let home = try ScratchHome(versions: 1)
    let registry = try Registry(path: home.folder.appendingPathComponent("registry.sqlite").path)
    try registry.rename("acme/support", to: "intent-kwikemart")
    try registry.setAlias("production", to: "intent-kwikemart@1")
    try registry.tag("intent-kwikemart", ["beta", "english"])
    try registry.keepEvaluation(
      NewEvaluation(
        subject: .version(adapter: "intent-kwikemart", number: 1),
        dataset: DatasetRecord(digest: Digest.of("d"), path: "d.jsonl", rows: 5), settings: "{}",
        metrics: "{}", score: 0.479, scoreName: "exactMatch", program: "t"))
    func run(_ command: String) -> Recording {
      Recording(
        [command, "--no-color"], environment: ["LORIKEET_HOME": home.folder.path], width: width)
    }
    let list = run("list")
    for line in list.output.split(separator: "\n") + run("runs").output.split(separator: "\n") {
      #expect(displayWidth(String(line)) <= width, "\(line)")
    }
    if width >= 80 {
      for fact in ["intent-kwikemart ", "production@1", "0.479 exactMatch", "lora r8"] {
        #expect(list.output.contains(fact), "\(list.output)")
      }
    }
    if width >= 36 { #expect(list.output.contains("intent-kwikemart  ")) }
    #expect(list.error.contains("BASE") == !list.output.contains("BASE"), "\(list.error)")
    #expect(
      list.error.isEmpty || list.error.hasSuffix("a wider terminal or --json has them\n")
        || list.error.hasSuffix("a wider terminal or --json has it\n"))
    if width == 80 {
      #expect(list.error == "SIZE, BASE, TAGS do not fit; a wider terminal or --json has them\n")
    }
  }

  @Test(
    "what is wrong is one line and an exit code",
    arguments: [
      (["show", "acme/suport"], ExitCode.data, "did you mean 'acme/support'?"),
      (["show", "acme/support@7"], .data, "has no version 7"),
      (["alias", "acme/support@1", "latest"], .data, "'latest' always names the newest"),
      (["base", "rm", "tiny"], .data, "tiny"),
      (["base", "add", "/nowhere/at-all"], .data, "/nowhere/at-all"),
      (["list", "--registry", "/dev/null/x"], .data, "/dev/null/x"),
      (["train", "/nowhere/at-all"], .usage, "there is no recipe '/nowhere/at-all'"),
      (["train", "x", "--data", "d", "--rank", "0"], .usage, "'--rank' should be"),
      (["train", "x", "--data", "d", "--steps", "2", "--epochs", "2"], .usage, "--epochs"),
      (["train", "x", "--data", "d", "--resume", "--fresh"], .usage, "exclude each other"),
      (["eval", "acme/support"], .usage, "--data FILE is missing"),
      (["import", "/nowhere/x"], .data, "there is nothing at '/nowhere/x'"),
      (["compare", "acme/support"], .usage, "one REF compares with nothing"),
      (["backup", "/dev/null"], .data, "--replace"),
      (["restore", "/nowhere/x"], .data, "there is no file '/nowhere/x'"),
      (["rename", "acme/support", "tiny"], .data, "there is a base 'tiny' already"),
      (["alias", "acme/support@1", "3"], .data, "'acme/support:3' would be taken for version 3"),
      (["train", "x", "--base", "y", "--data", "d"], .data, "no base 'y'; there is 'tiny'"),
      (["compare", "acme/support@1", "acme/support@9"], .data, "has no version 9"),
      (
        ["compare", "base", "acme/support", "--html", "/nowhere/x"], .usage, "no folder '/nowhere'"
      ),
      (["promote", "acme/support", "--data", "x"], .usage, "--gate is missing"),
      (["promote", "acme/support", "--data", "x", "--gate", "los < 1"], .usage, "mean 'loss'"),
      (["generate", "--with", "acme/suport", "hello"], .data, "did you mean 'acme/support'?"),
      (["generate", "--top-p", "0", "hello"], .usage, "--top-p takes a number"),
    ])
  func complaints(arguments: [String], code: ExitCode, part: String) throws {
    let home = try ScratchHome()
    let run = Recording(arguments, environment: ["LORIKEET_HOME": home.folder.path])
    #expect(run.code == code)
    #expect(run.error.hasPrefix("lorikeet: ") && run.error.contains(part), "\(run.error)")
    #expect(run.error.filter { $0 == "\n" }.count == 1, "\(run.error)")
  }
}
