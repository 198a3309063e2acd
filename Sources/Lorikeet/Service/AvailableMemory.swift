import Foundation

/// What a process may still take of the machine's memory before the system ends somebody for it.
package struct AvailableMemory {
  private let root: String

  /// - Parameter root: Where `proc` and `sys` are.
  package init(root: String = "") { self.root = root }

  /// The least of what the machine has left, of what its commit limit leaves where that is strict (`vm.overcommit_memory` 2), of
  /// what the process's own limits leave (`ulimit -v` and `-d`), and of what the control groups around it do; nil where the
  /// system does not say.
  package var bytes: Int? {
    ([machine, commit] + limits + groups).compactMap(\.self).min().map { max(0, $0) }
  }

  /// Free memory, and caches that the kernel gives up (`MemAvailable`, proc(5)).
  private var machine: Int? { kilobytes("MemAvailable") }

  private var commit: Int? {
    guard text("/proc/sys/vm/overcommit_memory") == "2", let limit = kilobytes("CommitLimit"),
      let used = kilobytes("Committed_AS")
    else { return nil }
    return limit - used
  }

  /// What the limits to address space and to data leave (proc(5), `limits` and `statm`).
  private var limits: [Int?] {
    let pages = (text("/proc/self/statm") ?? "").split(separator: " ").map { Int($0) }
    let lines = (text("/proc/self/limits") ?? "").split(separator: "\n")
    return [("Max address space", 0), ("Max data size", 5)].map { name, place in
      guard let line = lines.first(where: { $0.hasPrefix(name) }), place < pages.count,
        let used = pages[place],
        let limit = line.dropFirst(name.count).split(separator: " ").first.flatMap({ Int($0) })
      else { return nil }
      return limit - used * NSPageSize()
    }
  }

  /// For each control group from this process's up that has a limit, what it leaves: file pages that nobody has used lately count as
  /// free. Version 2 has one tree of groups, version 1 one for memory.
  private var groups: [Int?] {
    let lines = (text("/proc/self/cgroup") ?? "").split(separator: "\n")
    return lines.flatMap { line -> [Int?] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      if parts[1].isEmpty {
        return left(
          in: "/sys/fs/cgroup", parts[2], limit: "memory.max", used: "memory.current",
          idle: "inactive_file")
      }
      guard parts[1].split(separator: ",").contains("memory") else { return [] }
      return left(
        in: "/sys/fs/cgroup/memory", parts[2], limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes", idle: "total_inactive_file")
    }
  }

  /// What the group at `path` below `tree` leaves, and each above it.
  private func left(
    in tree: String, _ path: Substring, limit: String, used: String, idle: String
  ) -> [Int?] {
    let names = path.split(separator: "/")
    guard !names.contains("..") else { return [] }
    return (0...names.count).map { count in
      let folder = ([tree] + names.prefix(count).map(String.init)).joined(separator: "/")
      guard let limit = text("\(folder)/\(limit)").flatMap({ Int($0) }),
        let used = text("\(folder)/\(used)").flatMap({ Int($0) })
      else { return nil }
      return limit - used + (field(idle, of: text("\(folder)/memory.stat") ?? "") ?? 0)
    }
  }

  private func kilobytes(_ name: String) -> Int? {
    field(name + ":", of: text("/proc/meminfo") ?? "").map { $0 * 1024 }
  }

  /// The number after a name in lines of names and numbers.
  private func field(_ name: String, of text: String) -> Int? {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count >= 2, words[0] == name { return Int(words[1]) }
    }
    return nil
  }

  private func text(_ path: String) -> String? {
    (try? String(contentsOfFile: root + path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
