import Foundation

/// Which process, across reuse of process numbers and restarts of the machine.
public struct ProcessIdentity: Sendable, Hashable {
  /// The process number.
  public var process: Int
  /// When it started, in clock ticks since the boot.
  public var start: Int
  /// The boot of the machine.
  public var boot: String
  /// The namespace in which the process number counts (containers have their own).
  public var space: String

  /// An identity with these facts.
  public init(process: Int, start: Int, boot: String, space: String) {
    self.process = process
    self.start = start
    self.boot = boot
    self.space = space
  }

  /// This process.
  public static let current: ProcessIdentity = {
    let process = Int(ProcessInfo.processInfo.processIdentifier)
    return ProcessIdentity(
      process: process, start: startTicks(of: process) ?? 0, boot: currentBoot, space: currentSpace)
  }()

  /// Whether it may still be running: nil where that cannot be seen from here (another container).
  public var isAlive: Bool? {
    if boot != Self.currentBoot { return false }
    if space != Self.currentSpace { return nil }
    return Self.startTicks(of: process) == start
  }

  private static let currentBoot =
    (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
    .trimmingCharacters(in: .whitespacesAndNewlines) ?? ""

  private static let currentSpace =
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""

  /// Field 22 of `/proc/PID/stat` (proc(5)); the second field may hold spaces and brackets.
  private static func startTicks(of process: Int) -> Int? {
    guard let stat = FileManager.default.contents(atPath: "/proc/\(process)/stat"),
      let end = stat.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = stat[(end + 1)...].split(separator: UInt8(ascii: " "))
    // A zombie has ended: only its parent has not looked yet.
    guard fields.count > 19, fields[0].first != UInt8(ascii: "Z") else { return nil }
    return Int(String(decoding: fields[19], as: UTF8.self))
  }
}
