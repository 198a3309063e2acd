import Foundation
import Glibc
import JSON
import Lorikeet

extension Tool {
  static let compare = Command(
    CommandSpec(
      "compare", group: "Registry",
      summary: "hold versions side by side: settings, scores, weights",
      details: [
        "The first REF is what the others are measured against. Scores are on the same data: "
          + "that of --data, else the newest that the registry has of all. Each has a 95% "
          + "interval, and a test on the same rows (McNemar's for right and wrong, the paired "
          + "bootstrap for the rest) tells progress from noise.",
        "Weights are compared in factored form: the norm of each update, the cosine between "
          + "two, and how far the spaces overlap that they read from and write to (1: the same "
          + "directions; of two random spaces of r directions in n, r / n).",
      ],
      positionals: [PositionalSpec("REF", .several, help: "two or more versions, or 'base'")],
      options: [
        OptionSpec("data", "FILE", help: "measure all on this data (kept results are not redone)"),
        OptionSpec("prompt", "TEXT", repeats: true, help: "show the answers of all to this"),
        OptionSpec(
          "prompts", "FILE",
          help: "prompts to answer: a line each, as it is or as {\"prompt\": \"...\"}"),
        OptionSpec("max-tokens", "N", help: "the longest answer to a prompt (default 64)"),
        OptionSpec("examples", "N", help: "rows to show that one gets right only (default 5)"),
        OptionSpec(
          "html", "FILE",
          help: "write it all as one page, with curves and heat maps, over what is there"),
        OptionSpec("base", "NAME", help: "the base, where no adapter says which"),
        weightsOption,
      ] + evaluationFlags,
      examples: [
        ExampleSpec("lorikeet compare intent-kwikemart@1 intent-kwikemart@2", "two versions"),
        ExampleSpec(
          "lorikeet compare base acme/support --data held-out.jsonl --html report.html",
          "what an adapter changes, as a page"),
      ])
  ) { session in
    let workspace = try session.workspace()
    let references = session.arguments.positionals
    guard references.count >= 2 else {
      throw session.arguments.misuse("one REF compares with nothing; give two or more, or 'base'")
    }
    var options = ComparisonOptions()
    options.data = session.arguments.string("data")
    options.base = session.arguments.string("base")
    options.evaluation = try session.evaluationOptions(references, workspace)
    options.prompts = try session.prompts()
    options.generation.maximumTokens =
      try session.arguments.integer("max-tokens", in: 1...100_000) ?? 64
    let shown = try session.arguments.integer("examples", in: 0...1_000_000) ?? 5
    let page = try session.arguments.string("html").map { try session.writable($0) }
    let bar = ProgressBar(session.console)
    defer { bar.clear() }
    let comparison = try workspace.compare(references, options: options) {
      bar.show(ProgressLine($0))
    }
    bar.clear()
    if let page {
      try writePage(comparison.page, to: page)
      session.console.note("the page is in '\(page)'")
    }
    if session.console.json { return session.console.result(comparison.json) }
    ComparisonView(session, comparison).tell(examples: shown)
  }
}

extension ProgressLine {
  /// What a comparison is at.
  fileprivate init(_ progress: ComparisonProgress) {
    switch progress {
    case .measuring(let reference, let done, let total):
      self.init(done: done, total: total, label: "measuring \(reference)")
    case .weighing(let reference):
      self.init(done: 0, total: 1, label: "comparing the weights of \(reference)")
    case .asking(let done, let total): self.init(done: done, total: total, label: "asking")
    }
  }
}

extension Session {
  /// The prompts given by `--prompt` and in the file of `--prompts`.
  fileprivate func prompts() throws -> [String] {
    var prompts = arguments.strings("prompt")
    guard let path = arguments.string("prompts") else { return prompts }
    for (index, line) in try lines(ofFile: path).enumerated() where !line.isEmpty {
      guard line.hasPrefix("{") else {
        prompts.append(line)
        continue
      }
      guard let prompt = (try? JSONValue(parsing: line))?["prompt"]?.stringValue else {
        throw arguments.misuse(
          "'\(path)', line \(index + 1): {\"prompt\": \"...\"} should stand there, or plain text")
      }
      prompts.append(prompt)
    }
    guard prompts.count <= 1_000 else {
      throw arguments.misuse("\(prompts.count) prompts are too many to look at; give at most 1,000")
    }
    return prompts
  }

  private func lines(ofFile path: String) throws -> [String] {
    let limit = 16 << 20
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw arguments.misuse("there is no file '\(path)' to read prompts from")
    }
    let data = try file.read(upToCount: limit + 1) ?? Data()
    guard data.count <= limit, let text = String(data: data, encoding: .utf8) else {
      throw arguments.misuse("'\(path)' is not text in UTF-8 of at most 16 MiB")
    }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  /// `path`, whose folder must be there: told before the work, not after it.
  fileprivate func writable(_ path: String) throws -> String {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard isFolder(folder) else {
      throw arguments.misuse("there is no folder '\(folder)' for '\(path)'")
    }
    guard !isFolder(path) else {
      throw arguments.misuse("'\(path)' is a folder; give a file to write the page to")
    }
    return path
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}

/// Writes `page` to `path`: a file appears whole, also over another; what is no file (a link, a pipe, a device) stays what
/// it is, and is written to.
private func writePage(_ page: String, to path: String) throws {
  var facts = stat()
  let isThere = unsafe lstat(path, &facts) == 0
  guard isThere, facts.st_mode & S_IFMT != S_IFREG else {
    return try Data(page.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
  let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
  defer { if descriptor >= 0 { close(descriptor) } }
  guard descriptor >= 0, Console.writeAll(page, to: descriptor) else {
    let reason = unsafe String(cString: strerror(errno))
    throw WorkspaceError(.cannotWrite, "cannot write '\(path)' (\(reason)); give another file")
  }
}
