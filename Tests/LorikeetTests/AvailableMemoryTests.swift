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
    #expect(AvailableMemory().bytes ?? 1 > 0)
  }

  @Test("is what may be promised, where the kernel holds to its promises")
  func strict() throws {
    var files = machine
    files["proc/sys/vm/overcommit_memory"] = "2\n"
    #expect(try left(files) == 2000 * 1024)
    files["proc/meminfo"] = "MemAvailable: 5000 kB\nCommitLimit: 1000 kB\nCommitted_AS: 4000 kB\n"
    #expect(try left(files) == 0)
  }

  @Test("is what the narrowest control group leaves")
  func groups() throws {
    var files = machine
    files["proc/self/cgroup"] = "1:name=systemd:/x\n0::/system.slice/lorikeet.service\n"
    let slice = "sys/fs/cgroup/system.slice/"
    files[slice + "lorikeet.service/memory.max"] = "max\n"
    files[slice + "lorikeet.service/memory.current"] = "700000\n"
    #expect(try left(files) == 5000 * 1024)
    files[slice + "memory.max"] = "1000000\n"
    files[slice + "memory.current"] = "900000\n"
    #expect(try left(files) == 100_000)
    files[slice + "memory.stat"] = "anon 1\nfile 300000\ninactive_file 250000\nactive_file 2\n"
    #expect(try left(files) == 350_000)
    files[slice + "lorikeet.service/memory.max"] = "710000\n"
    #expect(try left(files) == 10_000)
    // A container sees its own group as the root.
    files["proc/self/cgroup"] = "0::/\n"
    files["sys/fs/cgroup/memory.max"] = "2000000\n"
    files["sys/fs/cgroup/memory.current"] = "500000\n"
    #expect(try left(files) == 1_500_000)
    // Above the root of what it sees there is nothing to read.
    files["proc/self/cgroup"] = "0::/../other\n"
    #expect(try left(files) == 5000 * 1024)
  }

  @Test("is what the groups for memory alone leave, where those are of version 1")
  func oldGroups() throws {
    var files = machine
    files["proc/self/cgroup"] = "5:cpu,cpuacct:/a\n4:memory:/box/a\n0::/\n"
    let tree = "sys/fs/cgroup/memory/"
    files[tree + "memory.limit_in_bytes"] = "9223372036854771712\n"
    files[tree + "memory.usage_in_bytes"] = "1\n"
    #expect(try left(files) == 5000 * 1024)
    files[tree + "box/memory.limit_in_bytes"] = "1000000\n"
    files[tree + "box/memory.usage_in_bytes"] = "990000\n"
    files[tree + "box/memory.stat"] = "inactive_file 7\ntotal_inactive_file 5000\n"
    #expect(try left(files) == 15_000)
    // In a container only its own group is there, as the root.
    files = machine
    files["proc/self/cgroup"] = "4:memory:/box/a\n"
    files[tree + "memory.limit_in_bytes"] = "2000000\n"
    files[tree + "memory.usage_in_bytes"] = "500000\n"
    #expect(try left(files) == 1_500_000)
  }
}
