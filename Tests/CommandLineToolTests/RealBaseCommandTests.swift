import CommandLineTool
import Digests
import Expect
import Foundation
import JSON
import Registry
import Testing

@Suite("RealBase: a first session on the command line", .serialized)
struct RealBaseCommandTests {
  @Test("training tells in how many rows it computed its tokens")
  func sharedRows() throws {
    let home = try ScratchHome(versions: 0)
    let data = home.folder.appendingPathComponent("data.jsonl")
    let rows = [
      #"{"prompt": "Say one.", "completion": "1"}"#, #"{"prompt": "2?", "completion": "2"}"#,
    ]
    try rows.joined(separator: "\n").write(to: data, atomically: true, encoding: .utf8)
    #expect(home.run("base", "add", RealBase.path, "--name", "smollm2").code == .done)
    func train(_ more: String...) -> String {
      Recording(
        ["train", "say", "--data", data.path, "--steps", "1", "--batch-size", "2", "--rank", "2"]
          + more, environment: ["LORIKEET_HOME": home.folder.path]
      ).output
    }
    let lines = train("--targets", "q_proj", "--json").split(separator: "\n")
    let events = try lines.map { try JSONValue(parsing: String($0)) }
    let step = try #require(events.first { $0["event"] == "step" })
    let counts = try ["tokens", "rows", "sparedRows"].map { try #require(step[$0]?.intValue) }
    // The system prompt, which the template writes before both questions.
    #expect(counts[2] >= 20 && counts[1] + counts[2] < counts[0])
    let told = train("--targets", "q_proj", "--fresh")
    let line =
      "  \(counts[0]) tokens in \(counts[1]) rows: shared prefixes computed once, \(counts[2]) rows spared"
    #expect(told.split(separator: "\n").contains { $0 == line }, "\(told)")
  }

  @Test("add a base, train, skip what is trained, measure, answer side by side, chat, roll back")
  func session() throws {
    let home = try ScratchHome(versions: 0)
    let data = home.folder.appendingPathComponent("data.jsonl")
    let rows = (0..<4).map { #"{"prompt": "Say \#($0).", "completion": "\#($0)"}"# }
    try rows.joined(separator: "\n").write(to: data, atomically: true, encoding: .utf8)

    let added = home.run("base", "add", RealBase.path, "--name", "smollm2", "--json")
    #expect(try JSONValue(parsing: added.output)["parameters"] == 134_515_008)

    func train() throws -> [JSONValue] {
      let run = home.run(
        "train", "say", "--data", data.path, "--eval", data.path, "--steps", "2", "--batch-size",
        "2", "--rank", "2", "--targets", "q_proj,v_proj", "--eval-tokens", "2",
        "--checkpoint-every", "1", "--json")
      #expect(run.code == .done, "\(run.error)")
      return try run.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }
    let events = try train()
    #expect(events.count { $0["event"] == "step" } == 2)
    #expect(events.last?["event"] == "published" && events.last?["reference"] == "say@1")
    let again = try train().last
    #expect(again?["event"] == "alreadyTrained" && again?["digest"] == events.last?["digest"])

    let measured = home.run("eval", "say", "--data", data.path, "--json")
    let metrics = try JSONValue(parsing: measured.output)
    for figure in ["loss", "perplexity", "tokenAccuracy", "exactMatch"] {
      #expect(metrics[figure]?.doubleValue != nil, "\(figure)")
    }

    try compares(home, data)
    try carries(home)
    try replays(home, data)

    let asked = home.run(
      "generate", "--with", "say", "--with", "base", "--json", "What is the capital of France?")
    let answers = try #require(try JSONValue(parsing: asked.output)["answers"]?.arrayValue)
    #expect(answers.map { $0["reference"] } == ["say@1", "base"])
    #expect(answers.last?["text"]?.stringValue == "The capital of France is Paris.")

    // Out to PEFT's directory and in again: the same version by content, and refused where something stands.
    let out = home.folder.appendingPathComponent("out/say").path
    #expect(home.run("export", "say", out).code == .done)
    let there = home.run("export", "say", out)
    #expect(there.code == .data && there.error.contains("is there already"))
    let back = try JSONValue(
      parsing: home.run("import", out, "--name", "acme/say", "--json").output)
    #expect(back["reference"] == "acme/say@1" && back["digest"] == events.last?["digest"])
    #expect(back["coverage"]?["layers"]?.arrayValue?.count == 60)
    let known = try JSONValue(parsing: home.run("import", out, "--name", "say", "--json").output)
    #expect(known["isNew"] == false && known["reference"] == "say@1")
    let foreign = home.run("import", Fixtures.url("adapters/lora").path, "--name", "foreign")
    #expect(foreign.code == .data && foreign.error.contains("has shape"))
    #expect(home.run("show", "foreign").code == .data)

    let wrong = home.run("generate", "--with", "say@2", "hello")
    #expect(wrong.code == .data && wrong.error.contains("has no version 2"))
    let missing = home.run("eval", "say", "--data", "/nowhere.jsonl")
    #expect(missing.code == .data && missing.error.contains("/nowhere.jsonl"))
  }

  /// Measures a version and the base on the same rows, holds them side by side, and promotes behind a gate.
  private func compares(_ home: ScratchHome, _ data: URL) throws {
    let several = try JSONValue(
      parsing: home.run("eval", "say", "base", "--data", data.path, "--json").output)
    #expect(several.arrayValue?.map { $0["reference"] } == ["say", "base"])
    #expect(several.arrayValue?.first?["kept"] == true)

    let page = home.folder.appendingPathComponent("page.html")
    let compared = home.run(
      "compare", "base", "say@1", "--prompt", "Say <b>1</b>.", "--max-tokens", "2", "--html",
      page.path, "--json")
    #expect(compared.code == .done, "\(compared.error)")
    let json = try JSONValue(parsing: compared.output)
    #expect(json["data"]?["rows"] == 4, "the kept results of both are found without --data")
    let tests = try #require(json["pairs"]?.arrayValue?.first?["tests"]?.arrayValue)
    #expect(tests.contains { $0["figure"] == "loss" && $0["p"]?.doubleValue != nil })
    #expect(json["prompts"]?.arrayValue?.first?["answers"]?.arrayValue?.count == 2)
    let text = try String(contentsOf: page, encoding: .utf8)
    #expect(text.contains("Say &lt;b&gt;1&lt;/b&gt;.") && !text.contains("<b>1"))
    #expect(text.contains("<svg") && !text.contains("<script") && !text.contains("http"))
    let shown = home.run("compare", "say@1", "base")
    #expect(shown.output.contains("base against say@1") || shown.output.contains("base against @1"))
    let twice = home.run("compare", "say", "say@1")
    #expect(twice.code == .data && twice.error.contains("are both say@1"))

    let refused = home.run("promote", "say@1", "--gate", "loss < 0.0001", "--data", data.path)
    #expect(refused.code == .data && refused.error.contains("say@1 is not promoted"))
    #expect(home.run("show", "say").output.contains("production") == false)
    let moved = home.run(
      "promote", "say@1", "--gate", "loss >= previous", "--gate", "loss < 1000", "--data",
      data.path)
    #expect(moved.code == .done && moved.output.contains("say:production -> version 1"))
    let again = home.run("promote", "say@1", "--gate", "loss > previous", "--data", data.path)
    #expect(again.code == .data && again.error.contains("stays at version 1"), "\(again.error)")
    #expect(home.run("history", "say").output.contains("promote-refused"))
    let figure = home.run("promote", "say@1", "--gate", "validJSON > 0", "--data", data.path)
    #expect(figure.code == .data && figure.error.contains("gives no validJSON"))
  }

  /// Trains a version again, whole and in part; a recorded loss and data that were changed are found.
  private func replays(_ home: ScratchHome, _ data: URL) throws {
    let whole = home.run("replay", "say")
    #expect(
      whole.code == .done && whole.output.contains("as published")
        && whole.output.contains("2 losses and 2 digests as recorded"), "\(whole.error)")
    let part = home.run("replay", "say@1", "--steps", "1", "--json")
    let last = try JSONValue(parsing: String(part.output.split(separator: "\n").last ?? ""))
    #expect(last["agrees"] == true && last["steps"] == 1 && last["digest"] == .null)
    #expect(last["digestsCompared"] == 1 && last["digestsEqual"] == 1)
    #expect(last["digestSteps"] == [1, 2])

    let file = home.folder.appendingPathComponent("registry.sqlite").path
    let registry = try Registry(path: file)
    let run = try #require(try registry.version("say").run)
    try replayFindsDigest(home, registry, run)
    try registry.write { try $0.run("UPDATE run_points SET loss = loss + 1e-12 WHERE step = 2") }
    let changed = home.run("replay", "say")
    #expect(changed.code == .data && changed.error.contains("step 2 has loss"), "\(changed.error)")
    #expect(try registry.runs().map(\.id) == [run], "a replay begins no run")

    let other = home.folder.appendingPathComponent("other.jsonl")
    try #"{"prompt": "Say 0.", "completion": "1"}"#.write(
      to: other, atomically: true, encoding: .utf8)
    let foreign = home.run("replay", "say", "--data", other.path)
    #expect(foreign.code == .data && foreign.error.contains("is not what say@1 was trained with"))
    let gone = home.run("replay", "say", "--data", "/nowhere.jsonl")
    #expect(gone.code == .data && gone.error.contains("--data FILE"))
  }

  /// One bit of a digest on the way is changed: a replay up to its step names it, and one that ends before does not.
  private func replayFindsDigest(_ home: ScratchHome, _ registry: Registry, _ run: Int) throws {
    func flip(_ step: Int) throws {
      let recorded = try #require(registry.adapterDigests(ofRun: run)[step]).hex
      let digit = try #require(Int(recorded.suffix(1), radix: 16))
      let hex = recorded.dropLast() + String(digit ^ 1, radix: 16)
      try registry.write {
        try $0.run(
          "UPDATE run_digests SET digest = ? WHERE run_id = ? AND step = ?",
          [.text(String(hex)), SQLValue(run), SQLValue(step)])
      }
    }
    try flip(2)
    #expect(home.run("replay", "say", "--steps", "1").code == .done)
    let second = home.run("replay", "say")
    #expect(second.code == .data && second.output == "")
    #expect(second.error.contains("after step 2 the adapter has digest"), "\(second.error)")
    #expect(second.error.contains("up to there 2 losses and 1 digest are as recorded"))
    try flip(1)
    let first = home.run("replay", "say", "--steps", "1", "--json")
    let told = try JSONValue(parsing: String(first.output.split(separator: "\n").last ?? ""))
    #expect(first.code == .data && told["agrees"] == false)
    #expect(told["digestsCompared"] == 1 && told["digestsEqual"] == 0 && told["compared"] == 1)
    #expect(told["difference"]?["step"] == 1 && told["difference"]?["what"] == "digest")
    try flip(1)
    try flip(2)
    // A run of a registry that had no digests yet.
    let kept = try registry.adapterDigests(ofRun: run)
    try registry.write { try $0.run("DELETE FROM run_digests WHERE run_id = ?", [SQLValue(run)]) }
    let old = home.run("replay", "say", "--steps", "1")
    #expect(old.code == .done && old.output.contains("1 loss and 0 digests"), "\(old.error)")
    try registry.write { database in
      for (step, digest) in kept {
        try database.run(
          "INSERT INTO run_digests VALUES (?, ?, ?)",
          [SQLValue(run), SQLValue(step), SQLValue(digest)])
      }
    }
  }

  /// Carries a name to another registry in one file, where its digest is computed again over the base.
  private func carries(_ home: ScratchHome) throws {
    let bundle = home.folder.appendingPathComponent("say.bundle").path
    #expect(home.run("export", "--bundle", bundle, "say", "--all").code == .done)
    let there = home.run("export", "--bundle", bundle, "say", "--all")
    #expect(there.code == .data && there.error.contains("is there already"), "\(there.error)")

    let other = try ScratchHome(versions: 0)
    let homeless = other.run("import", bundle)
    #expect(homeless.code == .data && homeless.error.contains("base add"), "\(homeless.error)")
    #expect(other.run("base", "add", RealBase.path, "--name", "smollm2").code == .done)
    let taken = other.run("import", bundle, "--name", "acme/say")
    #expect(taken.code == .done, "\(taken.error)")
    func facts(_ home: ScratchHome, _ name: String) throws -> [JSONValue?] {
      let shown = try JSONValue(parsing: home.run("show", name, "--json").output)
      let metrics = shown["evaluations"]?.arrayValue?.compactMap { $0["metrics"] } ?? []
      return [shown["digest"], .array(metrics), shown["points"], shown["configuration"]]
    }
    #expect(try facts(other, "acme/say@1") == facts(home, "say@1"))
    #expect(other.run("import", bundle, "--name", "acme/say").code == .done, "twice is once")
    #expect(other.run("show", "acme/say@2").code == .data)
    let asked = other.run("generate", "--with", "acme/say", "--max-tokens", "1", "Say 1.")
    #expect(asked.code == .done, "\(asked.error)")

    // A version that claims another digest than its tensors have is refused, though its blobs are sound and its tables ours.
    let lying = home.folder.appendingPathComponent("lying.bundle").path
    try FileManager.default.copyItem(atPath: bundle, toPath: lying)
    try giveFalseDigest(lying)
    let refused = other.run("import", lying, "--name", "lying")
    #expect(
      refused.code == .data && refused.error.contains("says digest 000000000000 but is"),
      "\(refused.error)")
    #expect(other.run("show", "lying").code == .data)
  }

  /// Writes another digest into a bundle's versions past the trigger that forbids it, and leaves the trigger as it was.
  private func giveFalseDigest(_ file: String) throws {
    let script = """
      import sqlite3, sys
      bundle = sqlite3.connect(sys.argv[1])
      trigger, = bundle.execute(
          "SELECT sql FROM sqlite_schema WHERE name = 'versions_are_immutable'").fetchone()
      bundle.execute("DROP TRIGGER versions_are_immutable")
      bundle.execute("UPDATE versions SET digest = ?", ("0" * 64,))
      bundle.execute(trigger)
      bundle.commit()
      """
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    python.arguments = ["python3", "-c", script, file]
    try python.run()
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
  }
}
