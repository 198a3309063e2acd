import Digests
import Foundation
import Lorikeet
import Registry
import Testing

@Suite("Workspace") struct WorkspaceTests {
  @Test(
    "a base that is gone and one that cannot be seen are told apart",
    arguments: [
      ("gone", "and is gone; put it back"), ("file/x", "and is gone; put it back"),
      ("loop", "cannot be read (Too many levels of symbolic links)"),
    ])
  func unreachable(name: String, part: String) throws {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-workspace-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: home) }
    let workspace = try Workspace(home: home.path)
    let (loop, file) = (home.path + "/loop", home.path + "/file")
    try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
    try Data("x".utf8).write(to: URL(fileURLWithPath: file))
    try workspace.registry.addBase(
      NewBase(
        fingerprint: Digest.of("b"), name: "b", path: home.path + "/" + name, format: "gguf",
        size: 1, modified: Date(timeIntervalSince1970: 0), architecture: "llama",
        parameterCount: 1, configuration: "{}"))
    do {
      _ = try workspace.openBase("b")
      Issue.record("a base without a file was opened")
    } catch let error as WorkspaceError {
      #expect(error.code == .baseChanged && error.message.contains(part), "\(error)")
    }
  }

  @Test("four hundred workspaces, one after the other, leave no threads behind")
  func threads() throws {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-workspace-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: home) }
    func threads() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
    let before = try threads()
    for _ in 0..<400 { _ = try Workspace(home: home.path) }
    // Other tests start and end threads at the same time, but not as many.
    #expect(try threads() < before + 200)
  }
}
