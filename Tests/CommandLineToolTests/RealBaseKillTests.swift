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
