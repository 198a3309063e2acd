import Foundation
import Glibc
import JSON

/// A run of `lorikeet` as it was built beside the tests.
final class BuiltCommand {
  enum Status: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  private let process = Process()
  private let output = Pipe()
  private var rest = Data()

  /// - Parameter variables: Of the environment, beside those of the tests.
  init(_ arguments: [String], home: URL, variables: [String: String] = [:]) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("lorikeet")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["LORIKEET_HOME": home.path]
    ) { $1 }.merging(variables) { $1 }
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
