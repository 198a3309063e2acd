import Foundation
import Lorikeet
import Testing

@Suite("What is left of the machine's memory") struct AvailableMemoryTests {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent(
    "memory-" + UUID().uuidString)

  /// What is left where these files are all that the system says.
  private func left(_ files: [String: String]) throws -> Int? {
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return AvailableMemory(root: root.path).bytes
  }

  private let machine = [
    "proc/meminfo":
      "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable: 5000 kB\nCommitLimit: 3000 kB\nCommitted_AS: 1000 kB\n",
    "proc/sys/vm/overcommit_memory": "0\n",
  ]

  @Test("is what the kernel says, and nothing where it says nothing")
  func plain() throws {
    #expect(try left(machine) == 5000 * 1024)
    #expect(try left([:]) == nil)
    #expect(try left(["proc/meminfo": "MemAvailable: many kB\n"]) == nil)
    #expect(try #require(AvailableMemory().bytes) > 0)
  }

  @Test("is what may be promised, where the kernel holds to its promises")
  func strict() throws {
    var files = machine
    files["proc/sys/vm/overcommit_memory"] = "2\n"
    #expect(try left(files) == 2000 * 1024)
    files["proc/meminfo"] = "MemAvailable: 5000 kB\nCommitLimit: 1000 kB\nCommitted_AS: 4000 kB\n"
    #expect(try left(files) == 0)
  }

  @Test("is what the process's own limits leave")
  func limited() throws {
    func left(space: String, data: String) throws -> Int? {
      var files = machine
      files["proc/self/statm"] = "300 200 100 5 0 123 0\n"
      files["proc/self/limits"] = """
        Limit                     Soft Limit           Hard Limit           Units
        Max data size             \(data)           unlimited            bytes
        Max address space         \(space)            unlimited            bytes

        """
      return try self.left(files)
    }
    #expect(try left(space: "unlimited", data: "unlimited") == 5000 * 1024)
    #expect(try left(space: "2000000", data: "unlimited") == 2_000_000 - 300 * NSPageSize())
    #expect(try left(space: "2000000", data: "1000000") == 1_000_000 - 123 * NSPageSize())
    #expect(try left(space: "1000", data: "unlimited") == 0)
  }

  /// How a version of control groups names things.
  struct Groups: Sendable {
    let line, tree, limit, used, idle, unlimited: String
  }

  static let versions = [
    Groups(
      line: "0::", tree: "sys/fs/cgroup", limit: "memory.max", used: "memory.current",
      idle: "inactive_file", unlimited: "max"),
    Groups(
      line: "5:cpu,cpuacct:/other\n4:memory:", tree: "sys/fs/cgroup/memory",
      limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", idle: "total_inactive_file",
      unlimited: "9223372036854771712"),
  ]

  @Test("is what the narrowest control group leaves", arguments: versions)
  func groups(names: Groups) throws {
    /// What is left for a process in `group`, with limits and use by group.
    func left(in group: String, _ limits: [(String, limit: String, used: Int)], idle: Int = 0)
      throws -> Int?
    {
      var files = machine
      files["proc/self/cgroup"] = "1:name=systemd:/x\n\(names.line)\(group)\n"
      for (path, limit, used) in limits {
        files["\(names.tree)\(path)/\(names.limit)"] = limit + "\n"
        files["\(names.tree)\(path)/\(names.used)"] = "\(used)\n"
        files["\(names.tree)\(path)/memory.stat"] = "anon 1\n\(names.idle) \(idle)\nlast 2\n"
      }
      return try self.left(files)
    }
    let unlimited = ("/box/unit", limit: names.unlimited, used: 700_000)
    #expect(try left(in: "/box/unit", [unlimited]) == 5000 * 1024)
    let box = ("/box", limit: "1000000", used: 900_000)
    #expect(try left(in: "/box/unit", [unlimited, box]) == 100_000)
    #expect(try left(in: "/box/unit", [unlimited, box], idle: 250_000) == 350_000)
    let narrow = ("/box/unit", limit: "710000", used: 700_000)
    #expect(try left(in: "/box/unit", [narrow, box]) == 10_000)
    // In a container its own group is the root, whatever it is called outside.
    let root = ("", limit: "2000000", used: 500_000)
    #expect(try left(in: "/", [root]) == 1_500_000)
    #expect(try left(in: "/box/unit", [root]) == 1_500_000)
    // Above the root of what it sees there is nothing to read.
    #expect(try left(in: "/../other", [root]) == 5000 * 1024)
  }

  @Test("bounds what a server takes where nobody says how much")
  func budget() {
    var options = ServiceOptions()
    #expect(options.memoryBytes(left: nil) == 2 << 30)
    #expect(options.memoryBytes(left: 16 << 30) == 2 << 30)
    #expect(options.memoryBytes(left: 1 << 30) == 768 << 20)
    #expect(options.memoryBytes(left: 0) == 0)
    options.memoryBytes = 4 << 30
    #expect(options.memoryBytes(left: 1 << 30) == 4 << 30)
  }
}
