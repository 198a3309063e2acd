import Digests
import Foundation
import Glibc
import Registry
import Testing

/// No file may grow past a limit (RLIMIT_FSIZE), which needs no rights; and a file system of some megabytes, where one may be
/// mounted.
@Suite("A full disk") struct FullDiskTests {
  @Test(
    "what was acknowledged is there, nothing else, and with room it goes on",
    arguments: [200_000, 400_000, 1_000_000, 3_000_000])
  func limitedFiles(limit: Int) throws {
    let scratch = try Scratch()
    do { try Registry.withBase(scratch).publish(draft("before", weights: [7])) }
    let (said, code) = try Clerk(
      "--files-up-to", "\(limit)", scratch.path, "publish", "filling", "1000", "30000"
    ).end()
    #expect(code == 3, "a thousand versions fit into \(limit) bytes?")
    try expectFull(said.last)
    try expectSound(scratch, said)
  }

  @Test("a blob larger than the room is refused, and the small one after it is kept")
  func goesOn() throws {
    let scratch = try Scratch()
    do { _ = try Registry.withBase(scratch) }
    let large = try Clerk(
      "--files-up-to", "2000000", scratch.path, "publish", "large", "1", "5000000")
    try expectFull(large.end().said.last)
    let small = try Clerk("--files-up-to", "2000000", scratch.path, "publish", "small", "1", "50")
    let said = expectDone(small, lines: 1, "a small version after a large one")
    #expect(try scratch.open().list().map(\.name) == ["small"])
    try expectSound(scratch, said)
  }

  @Test("a backup or a restore that does not fit leaves no part and changes nothing")
  func copies() throws {
    let scratch = try Scratch()
    let (file, whole) = (scratch.path + ".backup", scratch.path + ".whole")
    do {
      let registry = try Registry.withBase(scratch)
      try registry.publish(draft("a", weights: [UInt8](repeating: 7, count: 900_000)))
      try registry.backup(to: whole)
    }
    let before = try scratch.bytes
    for command in [["backup", file], ["restore", whole]] {
      let (said, code) = try Clerk(
        "--files-up-to", "600000", scratch.path, command[0], command[1]
      ).end()
      #expect(code == 3)
      try expectFull(said.last)
      #expect(
        said.last?.contains { $0.contains(command[0] == "backup" ? file : scratch.path) } == true)
      #expect(try scratch.bytes == before)
      let names = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)
      #expect(names.sorted() == ["registry.sqlite", "registry.sqlite.whole"], "\(command)")
    }
    #expect(try Clerk(scratch.path, "backup", file).end().code == 0)
  }

  @Test("a checkpoint that does not fit leaves the one before and the run can go on")
  func checkpoints() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    let run = try registry.startRun(draftRun("a"))
    try registry.saveCheckpoint(ofRun: run.id, step: 1, state: [1])
    try limitPages(registry, more: 2)
    let state = [UInt8](repeating: 9, count: 1 << 20)
    let error = failure { try registry.saveCheckpoint(ofRun: run.id, step: 2, state: state) }
    #expect(error?.code == .full && error?.message.contains("free some space") == true)
    #expect(try registry.newestCheckpoint(ofRun: run.id)?.record.step == 1)
    try registry.failRun(run.id, error: "no space left")
    try limitPages(registry, more: 1 << 20)
    let resumed = try #require(
      try registry.resumableRun(of: "a", recipe: draftRun("a").recipeDigest))
    _ = try registry.resumeRun(resumed.id)
    try registry.saveCheckpoint(ofRun: run.id, step: 2, state: state)
    #expect(try registry.verify().isSound)
  }

  private func limitPages(_ registry: Registry, more: Int) throws {
    try registry.read { database in
      let pages = try database.integer("PRAGMA page_count") + more
      _ = try database.integer("PRAGMA max_page_count = \(pages)")
    }
  }

  @Test("a file system that is full, where one may be mounted")
  func fileSystem() throws {
    let scratch = try Scratch()
    let folder = scratch.folder.appendingPathComponent("small").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    guard mount(["-t", "tmpfs", "-o", "size=3m", "none", folder]) else {
      print("skipped: a small file system may not be mounted here")
      return
    }
    defer { _ = unsafe umount2(folder, Int32(MNT_DETACH)) }
    let path = folder + "/registry.sqlite"
    do { try Registry(path: path).addBase(tiny) }
    let ballast = URL(fileURLWithPath: folder + "/ballast")
    try Data(count: 600_000).write(to: ballast)
    let (said, code) = try Clerk(path, "publish", "filling", "1000", "30000").end()
    #expect(code == 3)
    try expectFull(said.last)
    let registry = try Registry(path: path)
    #expect(try registry.versions(of: "filling").count == said.count - 1)
    #expect(failure { try registry.backup(to: folder + "/b") }?.code == .full)
    #expect(try registry.verify().isSound)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(!names.contains { $0.contains("part-") }, "\(names)")
    try FileManager.default.removeItem(at: ballast)
    try registry.publish(draft("after"))
  }

  private func mount(_ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/mount")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  private func expectFull(_ line: [String]?) throws {
    let line = try #require(line)
    #expect(line.starts(with: ["error", "full"]), "\(line)")
    #expect(line.joined(separator: " ").contains("free some space"), "\(line)")
  }

  /// The versions that were said to be published are there, no others, and publishing goes on.
  private func expectSound(_ scratch: Scratch, _ said: [[String]]) throws {
    let registry = try scratch.open()
    let published = said.filter { $0[0] == "published" }
    for line in published {
      let version = try registry.version(line[1])
      #expect(version.weights.hex == line[2], "\(line[1])")
    }
    #expect(try registry.verify().isSound)
    let kept = try registry.list().map(\.versionCount).reduce(0, +)
    #expect(kept - published.count <= 1, "more is there than was published")
    try registry.publish(draft("after", weights: [UInt8](repeating: 1, count: 500_000)))
    #expect(try registry.verify().isSound)
  }
}
