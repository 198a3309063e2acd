import Foundation
import Glibc
import Registry
import Testing

/// As a process that permissions bind: root's clerk becomes nobody.
@Suite("A registry that may only be read") struct ReadOnlyTests {
  /// What may not be written.
  enum Part: String, CaseIterable { case file, folder, both }

  @Test(
    "it is listed and loaded, a write says so, and nothing is left beside it",
    arguments: Part.allCases)
  func readOnly(part: Part) throws {
    let scratch = try Scratch()
    do { try Registry.withBase(scratch).publish(draft("a")) }
    try protect(scratch, part)
    defer { unprotect(scratch) }
    let before = try scratch.bytes
    let read = try Clerk("--as-nobody", scratch.path, "read", "a", "2").end()
    if read.code == 4 { return print("skipped: this root may not become nobody") }
    #expect(
      read.code == 0 && read.said == Array(repeating: ["read", "a@1", "1", "true"], count: 2))
    let write = try Clerk("--as-nobody", scratch.path, "publish", "a", "1", "10").end()
    #expect(
      write.code == 3 && write.said.last?.starts(with: ["error", "readOnly"]) == true, "\(write)")
    #expect(write.said.last?.contains { $0.contains(scratch.path) } == true)
    #expect(try scratch.bytes == before)
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)
    #expect(names == ["registry.sqlite"])
  }

  @Test(
    "beside a writer it is read together with what the writer has not yet brought into the file")
  func besideAWriter() throws {
    let scratch = try Scratch()
    let writer = try Registry.withBase(scratch)
    try writer.publish(draft("a"))
    chmodAll(scratch, 0o644)
    permit(scratch.folder.path, 0o755)
    let read = try Clerk("--as-nobody", scratch.path, "read", "a", "1").end()
    if read.code == 4 || geteuid() != 0 { return }
    #expect(read.said == [["read", "a@1", "1", "true"]])
    try writer.publish(draft("a", seed: 2))
    #expect(try Clerk("--as-nobody", scratch.path, "read", "a", "1").end().said.first?[1] == "a@2")
  }

  @Test("an older schema that may not be written is refused with what to do")
  func olderSchema() throws {
    let scratch = try Scratch()
    do {
      let first = Array(Schema.migrations.prefix(1))
      _ = try Registry(
        path: scratch.path, create: true, actor: "t", busyTimeout: 100, owner: .current,
        now: { Date() }, migrations: first)
    }
    try protect(scratch, .both)
    defer { unprotect(scratch) }
    let read = try Clerk("--as-nobody", scratch.path, "read", "a", "1").end()
    if read.code == 4 { return }
    let text = read.said.last?.joined(separator: " ") ?? ""
    #expect(text.hasPrefix("error readOnly") && text.contains("open it once where it may be"))
  }

  @Test("a file that is written after all, while it is read as it stands, is noticed")
  func written() throws {
    let scratch = try Scratch()
    do { try Registry.withBase(scratch).publish(draft("a")) }
    // Root may write anything, so this one file is told to be still.
    let still = try Database(still: scratch.path)
    try still.checkPlace()
    #expect(try still.integer("SELECT count(*) FROM versions") == 1)
    let writer = try scratch.open()
    try writer.publish(draft("a", seed: 2))
    #expect(failure { try still.checkPlace() }?.code == .replaced)
  }

  private func protect(_ scratch: Scratch, _ part: Part) throws {
    for tail in ["-wal", "-shm"] {
      #expect(!FileManager.default.fileExists(atPath: scratch.path + tail))
    }
    permit(scratch.path, part == .folder ? 0o666 : 0o444)
    permit(scratch.folder.path, part == .file ? 0o777 : 0o555)
  }

  private func unprotect(_ scratch: Scratch) { permit(scratch.folder.path, 0o755) }

  private func chmodAll(_ scratch: Scratch, _ mode: mode_t) {
    for tail in ["", "-wal", "-shm"] { permit(scratch.path + tail, mode) }
  }
}

/// Gives the file or folder these permissions.
private func permit(_ path: String, _ mode: mode_t) { _ = unsafe chmod(path, mode) }
