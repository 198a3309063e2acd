import Digests
import Foundation
import Glibc
import Registry
import Testing

/// A process that works on a registry is killed in the middle of it, again and again (`Tests/Storm`).
///
/// `LORIKEET_KILLS` says how often; `make kills` takes 2,000.
@Suite("What was acknowledged survives kill -9", .serialized) struct KillTests {
  @Test("aliases, versions, checkpoints and answers, and nothing is left lying about")
  func kills() throws {
    let count = ProcessInfo.processInfo.environment["LORIKEET_KILLS"].flatMap { Int($0) } ?? 100
    // A registry of its own for each hundred: looking through all of it after each kill takes longer as it grows.
    for first in stride(from: 0, to: count, by: 100) {
      try killed(times: min(100, count - first))
    }
  }

  private func killed(times: Int) throws {
    let scratch = try Scratch()
    do {
      let registry = try Registry(path: scratch.path)
      try registry.addBase(
        NewBase(
          fingerprint: Digest.of("base"), name: "tiny", path: "/base", format: "gguf", size: 1,
          modified: Date(timeIntervalSince1970: 0), architecture: "llama", parameterCount: 1,
          configuration: "{}"))
    }
    var truth = Truth()
    for round in 1...times {
      let lines = try storm(scratch.path, milliseconds: Int.random(in: 1...60))
      for line in lines { truth.hear(line) }
      let fault = try truth.fault(in: try Registry(path: scratch.path), isLast: round == times)
      #expect(fault == nil, "after kill \(round); it had said: \(lines.suffix(3))")
      if fault != nil { return }
    }
    #expect(truth.heard > times, "the storm hardly did anything")
  }

  /// What the process acknowledged before it was killed, so long after its start.
  private func storm(_ path: String, milliseconds: Int) throws -> [[String]] {
    let process = Process()
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("storm")
    process.arguments = [path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    var said = output.fileHandleForReading.availableData
    usleep(UInt32(milliseconds) * 1_000)
    kill(process.processIdentifier, SIGKILL)
    said += output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal, "the storm ended by itself")
    // A line that the kill cut short was not acknowledged.
    let whole = said.lastIndex(of: UInt8(ascii: "\n")).map { said[...$0] } ?? Data()
    return String(decoding: whole, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
  }
}

/// What must be in the registry, from what the process said.
private struct Truth {
  /// The weights' digest by `name@number`; nil where the version may have been removed.
  private var versions: [String: String?] = [:]
  /// Where an alias points, by adapter, and where a move that was begun would have it point.
  private var aliases: [String: (said: Int?, begun: Int?)] = [:]
  /// How many evaluations of `name@number` were acknowledged.
  private var evaluations: [String: Int] = [:]
  private var checkpoint: (run: Int, step: Int, digest: String)?
  private(set) var heard = 0

  mutating func hear(_ line: [String]) {
    heard += 1
    switch line[0] {
    case "running": checkpoint = nil
    case "published":
      versions["\(line[1])@\(line[2])"] = .some(line[3])
      checkpoint = nil
    case "moving": aliases[line[1], default: (nil, nil)].begun = Int(line[2])
    case "alias": aliases[line[1]] = (Int(line[2]), nil)
    case "evaluated": evaluations["\(line[1])@\(line[2])", default: 0] += 1
    case "run": checkpoint = nil
    case "checkpoint": checkpoint = (Int(line[1]) ?? 0, Int(line[2]) ?? 0, line[3])
    case "removing", "removed": versions["\(line[1])@\(line[2])"] = .some(nil)
    default: break
    }
  }

  /// What is missing or wrong; nil where all is well.
  mutating func fault(in registry: Registry, isLast: Bool) throws -> String? {
    let faults = try registry.read { try $0.all("PRAGMA integrity_check") { try $0.text() } }
    if faults != ["ok"] { return "integrity: \(faults)" }
    for (reference, digest) in versions {
      guard let digest else { continue }
      guard let version = try? registry.version(reference) else { return "\(reference) is gone" }
      if version.weights.hex != digest { return "\(reference) has other weights" }
    }
    for (name, alias) in aliases {
      let now = try? registry.aliases(of: name).first?.version
      guard now == alias.said || now == alias.begun else {
        return "\(name):production is \(now ?? 0), was said to be \(alias)"
      }
      aliases[name] = (now, nil)
    }
    for (reference, count) in evaluations where versions[reference] != .some(nil) {
      let version = try registry.version(reference)
      let kept = try registry.evaluations(
        of: .version(adapter: version.adapter, number: version.number))
      if kept.count < count { return "\(reference) lost an evaluation" }
    }
    try registry.markInterruptedRuns()
    let open = try registry.runs().filter { $0.status == .running }
    if !open.isEmpty { return "run \(open[0].id) of a dead process is running" }
    if let checkpoint, try registry.run(checkpoint.run).status == .interrupted {
      guard let newest = try registry.newestCheckpoint(ofRun: checkpoint.run) else {
        return "run \(checkpoint.run) lost its checkpoints"
      }
      let isNext = newest.record.step == checkpoint.step + 1
      let isSaid =
        newest.record.step == checkpoint.step && newest.record.state.hex == checkpoint.digest
      if !isNext && !isSaid { return "run \(checkpoint.run) is back at step \(newest.record.step)" }
    }
    let lying = try registry.collect(
      stoppedBefore: Date(timeIntervalSince1970: 0), isDry: true)
    if lying.blobs > 0 || lying.checkpoints > 0 { return "left lying about: \(lying)" }
    if isLast, try !registry.verify().isSound { return "\(try registry.verify())" }
    return nil
  }
}
