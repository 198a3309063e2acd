import CommandLineTool
import Expect
import Foundation
import Glibc
import JSON
import Registry
import Testing

/// The built command is killed at random moments of a training on a tiny base.
///
/// `LORIKEET_KILLS` says how often: a tenth of it, five kills to one training.
@Suite("A training that is killed at random moments", .serialized) struct TrainingKillTests {
  @Test("loses no checkpoint that it told of, and ends at the digest of the uninterrupted run")
  func kills() throws {
    let count = ProcessInfo.processInfo.environment["LORIKEET_KILLS"].flatMap { Int($0) } ?? 100
    let home = try ScratchHome(versions: 0)
    #expect(home.run("base", "add", try home.tinyBase(), "--name", "tiny").code == .done)
    let data = home.folder.appendingPathComponent("data.jsonl")
    let rows = (0..<36).map { #"{"prompt": "Say \#($0).", "completion": "\#($0)"}"# }
    try rows.joined(separator: "\n").write(to: data, atomically: true, encoding: .utf8)
    for seed in 1...max(1, count / 50) {
      try killed(times: 5, seed: seed, data: data.path, home: home.folder)
    }
  }

  private static let steps = 60

  private func killed(times: Int, seed: Int, data: String, home: URL) throws {
    let name = "say-\(seed)"
    let arguments = [
      "train", name, "--data", data, "--steps", "\(Self.steps)", "--batch-size", "2", "--rank", "2",
      "--seed", "\(seed)", "--checkpoint-every", "1", "--json",
    ]
    var told = 0
    for left in stride(from: times, to: 0, by: -1) {
      // A step is two lines; the last kill may fall anywhere up to the end, publishing included.
      let lines = Int.random(in: 0...2 * (Self.steps - told) / left)
      let (events, status) = try killed(arguments, afterLines: lines, home: home)
      let from = events.first { $0["event"] == "resumed" }?["step"]?.intValue
      if told > 0, events.contains(where: { $0["event"] == "step" }) {
        #expect(from == told || from == told + 1, "it had told of a checkpoint after \(told)")
      }
      // It may have been saved by the one before, which did not come to tell.
      told = events.last { $0["event"] == "checkpoint" }?["step"]?.intValue ?? from ?? told
      try expectKept(name, step: told, home: home)
      // It was faster.
      if status != .signal(SIGKILL) { break }
    }
    let resumed = try BuiltCommand(arguments, home: home).events()
    let digest = try #require(resumed.last?["digest"]?.stringValue)
    let registry = try Registry(path: home.appendingPathComponent("registry.sqlite").path)
    let runs = try registry.runs(of: name)
    #expect(runs.first?.status == .completed && runs.first?.version == 1)
    for run in runs.dropFirst() {
      // Killed before its first checkpoint: there was nothing to go on from.
      #expect(run.status == .interrupted)
      #expect(try registry.checkpoints(ofRun: run.id).isEmpty)
    }
    #expect(
      try registry.points(ofRun: #require(runs.first).id).map(\.step) == Array(1...Self.steps))
    #expect(try registry.collect(stoppedBefore: .distantPast, isDry: true).isEmpty)
    #expect(try registry.verify().isSound)

    let whole = try BuiltCommand(arguments + ["--fresh"], home: home).events()
    #expect(whole.last?["event"] == "published" && whole.last?["digest"]?.stringValue == digest)
  }

  /// What the command told until it was killed, some time after so many lines.
  private func killed(_ arguments: [String], afterLines lines: Int, home: URL) throws
    -> (events: [JSONValue], status: BuiltCommand.Status)
  {
    let command = try BuiltCommand(arguments, home: home)
    var seen = 0
    var events: [JSONValue] = []
    if lines > 0 {
      events = try command.events { _ in
        seen += 1
        return seen == lines
      }
    }
    usleep(UInt32.random(in: 0...20_000))
    command.send(SIGKILL)
    events += try command.events()
    return (events, command.wait())
  }

  /// Fails unless the registry is whole and the run of `name` can go on from `step` or what came after it.
  private func expectKept(_ name: String, step: Int, home: URL) throws {
    let registry = try Registry(path: home.appendingPathComponent("registry.sqlite").path)
    let faults = try registry.read { try $0.all("PRAGMA integrity_check") { try $0.text() } }
    #expect(faults == ["ok"])
    try registry.markInterruptedRuns()
    #expect(try registry.runs().allSatisfy { $0.status != .running })
    guard step > 0, let run = try registry.runs(of: name).first, run.status == .interrupted else {
      return
    }
    let kept = try registry.newestCheckpoint(ofRun: run.id)?.record.step ?? 0
    #expect(kept == step || kept == step + 1, "at \(kept), had told of a checkpoint after \(step)")
  }
}

extension ScratchHome {
  /// A model of two narrow layers with a tokenizer of single characters, as a Hugging Face folder; its path.
  fileprivate func tinyBase() throws -> String {
    let base = folder.appendingPathComponent("tiny")
    try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        at: Fixtures.url("models/smollm2/" + name), to: base.appendingPathComponent(name))
    }
    let characters = (33..<127).map { String(UnicodeScalar(UInt8($0))) }
    let tokens = ["<unk>", "<s>", "</s>", "\u{120}"] + characters
    let vocabulary = JSONObject(tokens.enumerated().map { ($1, JSONValue.int($0)) })
    let tokenizer = """
      {"added_tokens": [{"id": 2, "content": "</s>", "special": true}],
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "merges": [], "vocab": \(JSONValue.object(vocabulary).text(.canonical))}}
      """
    for (name, text) in [
      ("tokenizer.json", tokenizer), ("tokenizer_config.json", #"{"eos_token": "</s>"}"#),
    ] {
      try text.write(to: base.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
    return base.path
  }
}
