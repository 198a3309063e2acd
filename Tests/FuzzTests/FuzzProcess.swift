import Foundation

/// The command `fuzz`, started again behind each case that ends it.
struct FuzzProcess {
  /// What came of all cases.
  struct Outcome {
    var taken = 0
    var refused = 0
    /// A sentence for each case that did harm: which, what, and how to see it again.
    var harm: [String] = []
  }

  let parser: String
  let seed: Int

  /// Where files are quick: they are written a hundred thousand times.
  private static let memory =
    FileManager.default.isWritableFile(atPath: "/dev/shm")
    ? URL(fileURLWithPath: "/dev/shm") : FileManager.default.temporaryDirectory

  /// Runs every sweep and `cases` random cases; gives up behind the case that is the `mostHarm`-th to do harm.
  func run(cases: Int, mostHarm: Int = 5) throws -> Outcome {
    let folder = FuzzProcess.memory.appendingPathComponent(
      "lorikeet-fuzz-\(parser)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let trace = folder.appendingPathComponent("case").path
    var outcome = Outcome()
    var first = 0
    while outcome.harm.count < mostHarm {
      let process = try FuzzProcess.started(
        ["run", parser, "\(seed)", "\(first)", "\(cases)", trace], folder: folder)
      let lines = try FuzzProcess.output(of: process).split(separator: "\n")
      for line in lines { hear(line.split(separator: " "), &outcome) }
      if process.terminationReason == .exit, process.terminationStatus == 0 { break }
      let text = (try? String(contentsOfFile: trace, encoding: .utf8)) ?? ""
      guard let number = Int(text.trimmingCharacters(in: .whitespaces)) else {
        outcome.harm.append("\(parser) did not start: status \(process.terminationStatus)")
        break
      }
      outcome.harm.append(told(number, FuzzProcess.end(of: process)))
      first = number + 1
    }
    return outcome
  }

  private func hear(_ words: [Substring], _ outcome: inout Outcome) {
    if words.first == "done", words.count == 3 {
      outcome.taken += Int(words[1]) ?? 0
      outcome.refused += Int(words[2]) ?? 0
    } else if words.first == "fault", words.count > 2, let number = Int(words[1]) {
      outcome.harm.append(told(number, words[2...].joined(separator: " ")))
    }
  }

  private func told(_ number: Int, _ what: String) -> String {
    """
    \(parser), seed \(seed), case \(number): \(what); its bytes: .build/release/fuzz show \(parser) \(seed) \(number); \
    again: .build/release/fuzz run \(parser) \(seed) \(number) 1000000000 /dev/null
    """
  }

  private static func end(of process: Process) -> String {
    guard process.terminationReason == .uncaughtSignal else {
      return "it left with status \(process.terminationStatus)"
    }
    switch process.terminationStatus {
    case SIGPROF: return "it took 5 seconds of the processor"
    case SIGALRM: return "it waited for 120 seconds"
    default: return "it was ended by signal \(process.terminationStatus)"
    }
  }
}

extension FuzzProcess {
  /// What the command with these words writes.
  static func output(_ words: [String]) throws -> String {
    try output(of: try started(words, folder: FileManager.default.temporaryDirectory))
  }

  /// How the command with these words ends, and what it says on the error stream.
  static func end(
    of words: [String]
  ) throws -> (reason: Process.TerminationReason, status: Int32, error: String) {
    let error = Pipe()
    let process = try started(words, folder: FileManager.default.temporaryDirectory, error: error)
    let data = error.fileHandleForReading.readDataToEndOfFile()
    _ = try output(of: process)
    let text = String(decoding: data, as: UTF8.self)
    return (process.terminationReason, process.terminationStatus, text)
  }

  private static func output(of process: Process) throws -> String {
    let pipe = process.standardOutput as? Pipe
    let data = pipe?.fileHandleForReading.readDataToEndOfFile() ?? Data()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  private static func started(
    _ words: [String], folder: URL, error: Pipe? = nil
  ) throws -> Process {
    let process = Process()
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("fuzz")
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["LORIKEET_FUZZ_FOLDER": folder.path, "SWIFT_BACKTRACE": "enable=no"]
    ) { $1 }
    process.standardOutput = Pipe()
    process.standardError = error ?? FileHandle.nullDevice
    try process.run()
    return process
  }
}
