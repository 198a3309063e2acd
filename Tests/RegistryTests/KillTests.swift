import Digests
import Foundation
import Glibc
import Registry
import Testing

/// A process that works on a registry is killed in the middle of it, again and again (`Tests/Storm`).
///
/// `LORIKEET_KILLS` says how often; `make kills` takes 2,000.
@Suite("What was acknowledged survives kill -9", .serialized) struct KillTests {
  @Test("whatever was done, whole and once, and nothing is left lying about")
  func kills() throws {
    let count = ProcessInfo.processInfo.environment["LORIKEET_KILLS"].flatMap { Int($0) } ?? 100
    // A registry of its own for each hundred: looking through all of it after each kill takes longer as it grows.
    for first in stride(from: 0, to: count, by: 100) {
      try killed(times: min(100, count - first))
    }
  }

  /// How lines begin that say that an operation has returned.
  private static let operations = [
    "published acme", "alias acme", "checkpoint", "evaluated acme", "removed acme", "collected",
    "end backup", "end restored", "end old", "end a.bundle", "imported copy", "imported second",
  ]

  private func killed(times: Int) throws {
    let scratch = try Scratch()
    try Registry(path: scratch.path).addBase(Self.base)
    try layOldRegistry(scratch.path + ".version1")
    var truth = KillTruth()
    var files = KillFiles(path: scratch.path)
    var heard: Set<String> = []
    for round in 1...times {
      let lines = try storm(scratch.path, killedAfter: Int.random(in: 1...12))
      for line in lines {
        truth.hear(line)
        files.hear(line)
        heard.formUnion(Self.operations.filter { line.joined(separator: " ").hasPrefix($0) })
      }
      let fault =
        try truth.fault(in: scratch.path, isLast: round == times)
        ?? files.fault(isLast: round == times)
      #expect(fault == nil, "after kill \(round); it had said: \(lines.suffix(3))")
      if fault != nil { return }
    }
    let silent = Self.operations.filter { !heard.contains($0) }
    #expect(times < 100 || silent.isEmpty, "the storm never did: \(silent)")
  }

  /// The base that the storm's versions stand on.
  static let base = NewBase(
    fingerprint: Digest.of("base"), name: "tiny", path: "/base", format: "gguf", size: 1,
    modified: Date(timeIntervalSince1970: 0), architecture: "llama", parameterCount: 1,
    configuration: "{}")

  /// A registry as the first Lorikeet made them.
  private func layOldRegistry(_ path: String) throws {
    let old = try Registry(
      path: path, create: true, actor: "t", busyTimeout: 0, owner: .current, now: { Date() },
      migrations: Array(Schema.migrations.prefix(1)))
    try old.addBase(tiny)
    try old.crowd(adapters: 60, versions: 2)
  }

  /// What the process acknowledged before it was killed, some time after so many lines.
  ///
  /// Lines, as a time alone means little work on a busy machine and much on a quick one.
  private func storm(_ path: String, killedAfter count: Int) throws -> [[String]] {
    let process = Process()
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("storm")
    process.arguments = [path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let newline = UInt8(ascii: "\n")
    var said = Data()
    while said.count(where: { $0 == newline }) < count {
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { break }
      said += more
    }
    // Mostly soon, in a quick operation, but late enough at times for the end of a slow one.
    let share = Double.random(in: 0...1)
    usleep(UInt32(120_000 * share * share))
    kill(process.processIdentifier, SIGKILL)
    said += output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal, "the storm ended by itself")
    // A line that the kill cut short was not acknowledged.
    let whole = said.lastIndex(of: newline).map { said[...$0] } ?? Data()
    return String(decoding: whole, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
  }
}
