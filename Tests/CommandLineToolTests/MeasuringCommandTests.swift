import CommandLineTool
import Foundation
import Glibc
import JSON
import Testing
import Toys

/// What is measured, on a toy base with one adapter trained on it.
@Suite("Measuring on the command line") struct MeasuringCommandTests {
  private let home: ScratchHome
  /// Nine rows.
  private let data: String

  init() throws {
    home = try ScratchHome(versions: 0)
    let toy = home.folder.appendingPathComponent("toy")
    try ToyBase.write(to: toy)
    #expect(home.run("base", "add", toy.path).code == .done)
    data = home.folder.appendingPathComponent("nine.jsonl").path
    let rows = (1...9).map { #"{"prompt": "Say \#($0).", "completion": "\#($0)"}"# }
    try Data(rows.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: data))
  }

  private func train(_ more: String...) throws {
    let run = home.run(
      [
        "train", "say", "--data", data, "--steps", "1", "--batch-size", "2", "--rank", "2",
        "--targets", "q_proj", "--eval-tokens", "2",
      ] + more)
    #expect(run.code == .done, "\(run.error)")
  }

  @Test("a result says how many rows it measured, whatever limit the file was read with before")
  func rows() throws {
    func said(_ more: String...) -> Substring? {
      home.run(["eval", "base", "--data", data, "--max-tokens", "2"] + more).output
        .split(separator: "\n").first
    }
    #expect(said("--limit", "3") == "base on 3 rows of \(data)")
    #expect(said() == "base on 9 rows of \(data)")
    #expect(said() == "base on 9 rows of \(data) (kept from before; --fresh measures again)")
    #expect(said("--limit", "3")?.hasPrefix("base on 3 rows") == true)
  }

  @Test("comparisons, promotions and lists tell the rows that were measured")
  func rowsElsewhere() throws {
    try train("--eval", data)
    try train("--fresh", "--seed", "2")
    let compared = home.run("compare", "say@1", "say@2", "--data", data, "--limit", "4")
    #expect(compared.output.contains("\n4 ROWS OF nine.jsonl"), "\(compared.output)")
    let promoted = home.run(
      "promote", "say@1", "--gate", "loss < 1000", "--data", data, "--limit", "5")
    #expect(promoted.code == .done, "\(promoted.error)")
    #expect(home.run("history", "say").output.contains("; on 5 rows of nine.jsonl"))
    // Of the first, the score stays that of all that its recipe holds out.
    let shown = try JSONValue(parsing: home.run("show", "say@1", "--json").output)
    #expect(shown["scoreData"]?["rows"] == 9 && shown["scoreData"]?["path"] == .string(data))
    #expect(shown["evaluations"]?.arrayValue?.map { $0["rows"] } == [5, 4, 9])
    let list = try JSONValue(parsing: home.run("list", "--json").output)
    #expect(list.arrayValue?.first?["scoreData"]?["rows"] == 4)
    let text = home.run("show", "say@1").output
    #expect(
      text.contains(" on 9 rows of nine.jsonl\n") && text.contains("  score      "), "\(text)")
  }

  @Test("what only one side can have is not told as the same for all")
  func oneSided() throws {
    try train()
    let page = home.folder.appendingPathComponent("page.html").path
    let run = home.run("compare", "base", "say", "--html", page)
    #expect(run.code == .done, "\(run.error)")
    #expect(run.output.contains(" facts of @1 alone; --json lists them"), "\(run.output)")
    #expect(!run.output.contains("the same for all"))
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.contains(" of @1 alone</summary>") && !html.contains("same"), "\(html)")
    try train("--fresh", "--seed", "2")
    let three = home.run("compare", "base", "say@1", "say@2").output
    #expect(three.contains(" the same for all that have them"), "\(three)")
    #expect(home.run("compare", "say@1", "say@2").output.contains(" the same for all; --json"))
  }

  @Test("a page goes through a link and into a pipe, and neither becomes a file")
  func page() throws {
    try train()
    let folder = home.folder.path
    let (file, link, pipe) = (folder + "/page.html", folder + "/link", folder + "/pipe")
    try "before".write(toFile: file, atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    #expect(home.run("compare", "base", "say", "--html", link).code == .done)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == file)
    let written = try String(contentsOfFile: file, encoding: .utf8)
    #expect(written.hasPrefix("<!doctype html>") && written.hasSuffix("</html>\n"))

    #expect(unsafe mkfifo(pipe, 0o600) == 0)
    let reader = Process()
    let read = Pipe()
    reader.executableURL = URL(fileURLWithPath: "/bin/cat")
    reader.arguments = [pipe]
    reader.standardOutput = read
    try reader.run()
    #expect(home.run("compare", "base", "say", "--html", pipe).code == .done)
    let got = read.fileHandleForReading.readDataToEndOfFile()
    #expect(String(decoding: got, as: UTF8.self) == written)
    var facts = stat()
    #expect(unsafe lstat(pipe, &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO)
    // Over a file as before; not over a folder.
    #expect(home.run("compare", "base", "say", "--html", file).code == .done)
    #expect(home.run("compare", "base", "say", "--html", folder).code == .usage)
  }

  @Test("a page that does not fit where it goes is one line")
  func fullPage() throws {
    try train()
    let full = home.folder.appendingPathComponent("full").path
    try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
    let run = home.run("compare", "base", "say", "--html", full)
    #expect(run.code == .data)
    #expect(
      run.error.hasSuffix("cannot write '\(full)' (No space left on device); give another file\n"),
      "\(run.error)")
    var facts = stat()
    #expect(unsafe stat("/dev/full", &facts) == 0 && facts.st_mode & S_IFMT == S_IFCHR)
  }
}
