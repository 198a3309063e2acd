import Foundation
import Testing

/// Damaged files never end, hang or bloat a process, and each is refused by one of our errors, in one line.
///
/// `LORIKEET_FUZZ_CASES` says how many random cases a parser gets after every cut and flipped bit, `LORIKEET_FUZZ_SEED`
/// which ones; `make fuzz` takes many, of a new seed.
@Suite("Damaged files") struct FuzzTests {
  static let seed = environment("LORIKEET_FUZZ_SEED") ?? 1
  static let cases = environment("LORIKEET_FUZZ_CASES") ?? 2000

  private static func environment(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  static let parsers = [
    "json", "safetensors", "gguf", "gguf-vocabulary", "checkpoint-gguf", "checkpoint-folder",
    "packed-base", "tokenizer", "template", "adapter", "module-pattern", "prompt-contract",
    "recipe", "dataset",
    "training-state", "registry", "registry-rows", "bundle", "bundle-rows", "arguments", "gate",
    "completion-body", "request-target", "http",
  ]

  @Test("every parser refuses or reads them", arguments: parsers)
  func damaged(parser: String) throws {
    let outcome = try FuzzProcess(parser: parser, seed: FuzzTests.seed).run(cases: FuzzTests.cases)
    for harm in outcome.harm { Issue.record("\(harm)") }
    #expect(outcome.refused > 0, "nothing was refused: the damage does not reach the parser")
    #expect(outcome.taken > 0, "nothing was read: the damage is too much to get far")
    print(
      "fuzz: \(parser), seed \(FuzzTests.seed): \(outcome.taken) read, \(outcome.refused) refused")
  }

  @Test("no parser is forgotten")
  func all() throws {
    #expect(
      try FuzzProcess.output(["list"]).split(separator: "\n").map(String.init) == FuzzTests.parsers)
  }

  @Test(
    "harm of every kind is found, with the case that did it",
    arguments: [
      ("broken-trap", "signal"), ("broken-loop", "5 seconds of the processor"),
      ("broken-hoard", "MiB of memory"), ("broken-foreign", "CancellationError"),
    ])
  func broken(parser: String, told: String) throws {
    let outcome = try FuzzProcess(parser: parser, seed: 1).run(cases: 0, mostHarm: 1)
    let harm = try #require(outcome.harm.first)
    // Case 10 is the first whose file has ten bytes.
    #expect(harm.contains("case 10") && harm.contains(told), "\(harm)")
  }

  @Test("a mapped file that is cut short ends the process with one line, not a crash")
  func cut() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-cut-\(UUID().uuidString)")
    try Data(count: 100_000).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let end = try FuzzProcess.end(of: ["cut", file.path])
    #expect(end.reason == .exit && end.status == 1, "\(end)")
    #expect(end.error.hasPrefix("lorikeet: a model's file was cut short") && end.error.last == "\n")
  }

  @Test("a case's bytes are the same every time", arguments: ["json", "gguf"])
  func deterministic(parser: String) throws {
    let words = ["show", parser, "7", "123456"]
    let (one, two) = (try FuzzProcess.output(words), try FuzzProcess.output(words))
    #expect(one == two && !one.isEmpty)
  }
}
