import CommandLineTool
import Expect
import Foundation
import Glibc
import JSON
import Registry
import Testing

/// The built command as a process of its own, stopped by signals in the middle of a training.
@Suite("RealBase: a training that is stopped by a signal", .serialized)
struct RealBaseKillTests {
  private static let steps = 6

  @Test(
    "goes on from its checkpoint to the digest of the uninterrupted one",
    arguments: [SIGKILL, SIGINT, SIGTERM])
  func resumes(signal: Int32) throws {
    let home = try ScratchHome(versions: 0)
    let data = home.folder.appendingPathComponent("data.jsonl")
    let rows = (0..<12).map { #"{"prompt": "Say \#($0).", "completion": "\#($0)"}"# }
    try rows.joined(separator: "\n").write(to: data, atomically: true, encoding: .utf8)
    #expect(home.run("base", "add", RealBase.path, "--name", "smollm2").code == .done)
    let arguments = [
      "train", "say", "--data", data.path, "--steps", "\(Self.steps)", "--batch-size", "2",
      "--rank", "2", "--targets", "q_proj,v_proj", "--checkpoint-every", "2", "--json",
    ]

    let stopped = try BuiltCommand(arguments, home: home.folder)
    let seen = try stopped.events { $0["event"] == "step" && $0["step"] == 3 }
    #expect(seen.last?["step"] == 3, "it ended before it could be stopped")
    stopped.send(signal)
    let status = stopped.wait()
    #expect(status == (signal == SIGKILL ? .signal(SIGKILL) : .exit(130)))

    let resumed = try BuiltCommand(arguments, home: home.folder).events()
    let from = try #require(resumed.first { $0["event"] == "resumed" }?["step"]?.intValue)
    #expect(signal == SIGKILL ? from == 2 : from >= 3)
    let digest = try #require(resumed.last?["digest"]?.stringValue)
    #expect(resumed.last?["event"] == "published")

    let whole = try BuiltCommand(arguments + ["--fresh"], home: home.folder).events()
    #expect(whole.last?["digest"]?.stringValue == digest)

    // On the way, too: what was killed has the same digests, what was asked to stop has one more there at most.
    let registry = try Registry(path: home.folder.appendingPathComponent("registry.sqlite").path)
    let expected = try registry.adapterDigests(ofRun: 2)
    let found = try registry.adapterDigests(ofRun: 1)
    #expect(expected.keys.sorted() == [2, 4, 6])
    #expect(found.filter { expected[$0.key] != nil } == expected)
    #expect(signal == SIGKILL ? found == expected : found.keys.sorted().contains(from))
  }
}

/// A run of `lorikeet` as it was built beside the tests.
private final class BuiltCommand {
  enum Status: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  private let process = Process()
  private let output = Pipe()
  private var rest = Data()

  init(_ arguments: [String], home: URL) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("lorikeet")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["LORIKEET_HOME": home.path]
    ) { $1 }
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  /// The events up to the first that `isLast`, or up to the end of the process.
  func events(until isLast: (JSONValue) -> Bool = { _ in false }) throws -> [JSONValue] {
    var found: [JSONValue] = []
    while true {
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        found.append(try JSONValue(parsing: Array(rest[..<end])))
        rest = Data(rest[(end + 1)...])
        if isLast(found[found.count - 1]) { return found }
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { return found }
      rest += more
    }
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Reads the rest and says how the process ended.
  func wait() -> Status {
    while !output.fileHandleForReading.availableData.isEmpty {}
    process.waitUntilExit()
    let status = process.terminationStatus
    return process.terminationReason == .uncaughtSignal ? .signal(status) : .exit(status)
  }
}
