import Foundation
import Lorikeet
import Testing

@Suite("Workspace") struct WorkspaceTests {
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
