import Digests
import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let verify = Command(
    ending: CommandSpec(
      "verify", group: "Upkeep", summary: "read everything again and check its digests",
      details: [
        "The file's structure, its references, and the SHA-256 of all weights, checkpoints and "
          + "answers. Names what is damaged and what depends on it; exit code 1 then."
      ],
      examples: [ExampleSpec("lorikeet verify", "is all well?")])
  ) { session in
    let registry = try session.workspace().registry
    let bar = ProgressBar(session.console)
    defer { bar.clear() }
    let report = try registry.verify { done, total in
      bar.show(
        ProgressLine(done: done >> 20, total: max(1, total >> 20), label: "reading, in MiB"))
    }
    bar.clear()
    session.tell(report, registry.path)
    return report.isSound ? .done : .data
  }

  static let collect = Command(
    CommandSpec(
      "gc", group: "Upkeep", summary: "free what nobody needs any more; tells only, without --yes",
      details: [
        "Checkpoints of completed runs and of runs stopped long ago, and bytes that nothing names. "
          + "Versions, evaluations and runs stay."
      ],
      options: [
        OptionSpec("yes", help: "do it"),
        OptionSpec(
          "days", "N", help: "runs stopped so long ago cannot be resumed any more (default 30)"),
        OptionSpec("compact", help: "also write the file anew, without its free pages"),
      ],
      examples: [
        ExampleSpec("lorikeet gc", "what would be freed"),
        ExampleSpec("lorikeet gc --yes --compact", "free it, and give it back to the disk"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let days = try session.arguments.integer("days", in: 0...100_000) ?? 30
    let isDry = !session.arguments.flag("yes")
    if isDry, session.arguments.flag("compact") {
      throw session.arguments.misuse("--compact goes with --yes")
    }
    let report = try registry.collect(
      stoppedBefore: Date(timeIntervalSinceNow: -86_400 * Double(days)), isDry: isDry)
    if session.arguments.flag("compact") { try registry.compact() }
    session.tell(report, isDry: isDry)
  }

  static let backup = Command(
    CommandSpec(
      "backup", group: "Upkeep", summary: "write the whole registry into one file",
      details: [
        "While others read, write and train. The file appears whole and checked, or not at all. "
          + "The bases' own files are not in it."
      ],
      positionals: [PositionalSpec("FILE", help: "the file to write")],
      options: [OptionSpec("replace", help: "a file that is there gives way")],
      examples: [ExampleSpec("lorikeet backup registry-monday.sqlite", "today's state")])
  ) { session in
    let file = session.argument(0)
    try session.workspace().registry.backup(
      to: file, replacing: session.arguments.flag("replace"))
    let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
    session.say(
      "the registry is in '\(file)' (\(humanSize(size)), checked)",
      ["file": .string(file), "size": .int(size)])
  }

  static let restore = Command(
    CommandSpec(
      "restore", group: "Upkeep", summary: "put a backup in the registry's place",
      details: [
        "The backup is checked before anything is touched. A registry that holds something gives "
          + "way only with --replace, and is kept beside its place."
      ],
      positionals: [PositionalSpec("FILE", help: "what 'backup' wrote")],
      options: [OptionSpec("replace", help: "the registry that is there gives way")],
      examples: [
        ExampleSpec("lorikeet restore registry-monday.sqlite --replace", "back to Monday"),
        ExampleSpec(
          "lorikeet restore monday.sqlite --registry look.sqlite", "beside the one in use"),
      ])
  ) { session in
    let file = session.argument(0)
    let path = session.registryPath
    let kept = try Registry.restore(
      file, to: path, replacing: session.arguments.flag("replace"))
    session.say(
      "'\(path)' is '\(file)' now" + (kept.map { "; the one before is '\($0)'" } ?? ""),
      ["registry": .string(path), "from": .string(file), "kept": .text(kept)])
  }
}

extension Session {
  fileprivate func tell(_ report: VerifyReport, _ path: String) {
    if console.json {
      return console.result([
        "sound": .bool(report.isSound), "blobs": .int(report.blobs), "bytes": .int(report.bytes),
        "faults": .array(report.faults.map { .string($0) }),
        "damaged": .array(
          report.damaged.map {
            [
              "digest": .string($0.digest.hex), "reason": .string($0.reason),
              "dependents": .array($0.dependents.map { .string($0) }),
            ]
          }),
      ])
    }
    for fault in report.faults { console.line("fault: \(harmless(fault, keepsLines: false))") }
    for damage in report.damaged {
      let needed = damage.dependents.isEmpty ? "nothing" : damage.dependents.joined(separator: ", ")
      console.line("damaged: \(damage.digest.short), which \(needed) needs")
    }
    let read = "\(counted(report.blobs, "blob")), \(humanSize(report.bytes)) read"
    console.line(
      report.isSound
        ? "all is well: \(read)"
        : "'\(path)' is damaged: \(read); restore it from a backup, or remove what is named above")
  }

  fileprivate func tell(_ report: CollectReport, isDry: Bool) {
    if console.json {
      return console.result([
        "dry": .bool(isDry), "blobs": .int(report.blobs), "bytes": .int(report.bytes),
        "checkpoints": .int(report.checkpoints),
      ])
    }
    if report.isEmpty { return console.line("nothing to free") }
    let what =
      "\(counted(report.checkpoints, "checkpoint")) and \(counted(report.blobs, "blob")) "
      + "of \(humanSize(report.bytes))"
    console.line(isDry ? "would free \(what); --yes does it" : "freed \(what)")
  }
}
