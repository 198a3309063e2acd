import Foundation
import Glibc
import Registry
import Testing

@Suite("A registry that goes away under a running process") struct ReplacedFileTests {
  /// What happens to the file.
  enum Fate: String, CaseIterable { case deleted, replaced, moved }

  @Test(
    "nothing is acknowledged or answered that does not stand at the path", arguments: Fate.allCases)
  func fates(fate: Fate) throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("a"), alias: "production")
    let other = scratch.path + ".other"
    try registry.backup(to: other)
    switch fate {
    case .deleted: delete(scratch.path)
    case .replaced: move(other, to: scratch.path)
    case .moved: move(scratch.path, to: scratch.path + ".away")
    }
    let errors = [
      failure { try registry.publish(draft("a", seed: 2)) },
      failure { try registry.setAlias("production", to: "a@1") },
      failure { try registry.markInterruptedRuns() },
      failure { _ = try registry.version("a") }, failure { _ = try registry.list() },
      failure { try registry.backup(to: scratch.path + ".late") },
    ]
    for error in errors {
      #expect(error?.code == .replaced)
      #expect(error?.message.contains("deleted or replaced") == true)
      #expect(error?.message.contains(scratch.path) == true)
    }
  }

  @Test("a file that goes in the middle of a write takes the write with it")
  func midway() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    let error = failure {
      try registry.write { database in
        try database.run("INSERT INTO adapters (name, created) VALUES ('x', 1)")
        delete(scratch.path)
      }
    }
    #expect(error?.code == .replaced)
  }

  @Test("the process that closes the old file does no harm to the one in its place")
  func closing() throws {
    let scratch = try Scratch()
    let other = scratch.path + ".other"
    do {
      let old = try Registry.withBase(scratch)
      try old.publish(draft("kept"))
      try old.backup(to: other)
      for seed in 1...20 { try old.publish(draft("late", seed: seed)) }
      for tail in ["", "-wal", "-shm"] { delete(scratch.path + tail) }
      move(other, to: scratch.path)
      let new = try scratch.open()
      try new.publish(draft("new"))
      _ = failure { try old.publish(draft("lost")) }
    }
    let registry = try scratch.open()
    #expect(try registry.list().map(\.name) == ["kept", "new"])
    #expect(try registry.verify().isSound)
  }

  @Test("a restore where only a journal is left is not mixed with it")
  func leftJournal() throws {
    let scratch = try Scratch()
    let backup = scratch.path + ".backup"
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("a"))
    try registry.backup(to: backup)
    for seed in 1...30 { try registry.publish(draft("b", seed: seed)) }
    delete(scratch.path)
    // Another process restores while this one still has the journal open.
    #expect(try Clerk(scratch.path, "restore", backup).end().said == [["restored"]])
    #expect(failure { try registry.publish(draft("c")) }?.code == .replaced)
    let restored = try scratch.open()
    #expect(try restored.list().map(\.name) == ["a"])
    #expect(try restored.verify().isSound)
  }

  @Test("a restore under a running process is refused")
  func restoreUnderUse() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("a"))
    try registry.backup(to: scratch.path + ".backup")
    let (said, code) = try Clerk(scratch.path, "restore", scratch.path + ".backup").end()
    #expect(code == 3 && said.last?.starts(with: ["error", "busy"]) == true)
    try registry.publish(draft("a", seed: 2))
    #expect(try registry.versions(of: "a").count == 2)
  }
}

/// Takes the name `path` away, as `rm` does.
private func delete(_ path: String) { _ = unsafe unlink(path) }

/// Calls the file `path` by the name `other`, whatever had it, as `mv` does.
private func move(_ path: String, to other: String) { _ = unsafe rename(path, other) }
