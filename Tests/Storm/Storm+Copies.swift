import Foundation
import Glibc
import Registry

extension Storm {
  func backup() throws {
    let state = try Self.state(of: registry)
    acknowledge("begin", "backup", state)
    try registry.backup(to: path + ".backup", replacing: true)
    acknowledge("end", "backup", state)
  }

  /// Puts the backup in the place of a third registry, and writes in that.
  func restore() throws {
    let (backup, place) = (path + ".backup", path + ".restored")
    guard FileManager.default.fileExists(atPath: backup) else { return }
    let state = try Self.state(in: Database(still: backup))
    acknowledge("begin", "restored", state)
    let kept = try Registry.restore(backup, to: place, replacing: true)
    if let kept { acknowledge("set-aside", URL(fileURLWithPath: kept).lastPathComponent) }
    acknowledge("end", "restored", state)

    let registry = try Registry(path: place)
    guard let name = try registry.list().first?.name else { return }
    // The state that it leads to is not known before: any that follows will do.
    acknowledge("begin", "restored", "after-\(state)")
    try registry.tag(name, ["t\(Int.random(in: 0..<1_000_000_000))"])
    acknowledge("end", "restored", "after-\(state)")
  }

  /// Opens a file of an older Lorikeet.
  func migrate() throws {
    let (old, place) = (path + ".version1", path + ".old")
    guard FileManager.default.fileExists(atPath: old) else { return }
    try? FileManager.default.removeItem(atPath: old + ".copy")
    try FileManager.default.copyItem(atPath: old, toPath: old + ".copy")
    let state = try Self.state(in: Database(still: old))
    acknowledge("begin", "old", state)
    guard unsafe Glibc.rename(old + ".copy", place) == 0 else { fatalError("cannot lay \(place)") }
    _ = try Registry(path: place)
    acknowledge("end", "old", state)
  }

  /// The newest line of the audit, by number and time: what tells one state of a registry from another.
  private static func state(of registry: Registry) throws -> String {
    try registry.read { try state(in: $0) }
  }

  private static func state(in database: Database) throws -> String {
    try database.first("SELECT id || '-' || at FROM audit ORDER BY id DESC LIMIT 1") {
      try $0.text()
    } ?? "0"
  }
}
