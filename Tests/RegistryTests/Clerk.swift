import Foundation
import Testing

/// Another process at a registry (`Tests/Clerk`).
final class Clerk {
  private let process = Process()
  private let output = Pipe()

  /// Starts it with `arguments`.
  init(_ arguments: String...) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("clerk")
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
  }

  /// What it said till its end, a list of words for each line.
  func end() -> (said: [[String]], code: Int32) {
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n")
    return (lines.map { $0.split(separator: " ").map(String.init) }, process.terminationStatus)
  }
}

/// Fails unless the process did all it was told.
func expectDone(_ clerk: Clerk, lines: Int, _ what: String) -> [[String]] {
  let (said, code) = clerk.end()
  #expect(code == 0 && said.count == lines, "\(what): \(said.last ?? [])")
  return said
}
