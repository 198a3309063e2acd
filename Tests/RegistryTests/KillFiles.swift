import Digests
import Foundation
import Registry

/// What must be in the files beside the registry, from what the process said: bundles, a backup, a registry that was
/// restored, one of an older Lorikeet.
struct KillFiles {
  /// The path of the registry.
  let path: String
  /// The state of a file that was acknowledged, and those that may have come after it: `REGISTRY.name` by name.
  private var states: [String: (said: String?, begun: [String])] = [:]
  /// The files that have been touched since they were looked at.
  private var touched: Set<String> = []
  /// Where restores that returned said that they keep what gave way, and how many were begun.
  private var kept: [String] = []
  private var restores = 0

  init(path: String) { self.path = path }

  mutating func hear(_ line: [String]) {
    switch line[0] {
    case "begin":
      states[line[1], default: (nil, [])].begun.append(line[2])
      touched.insert(line[1])
      if line[1] == "restored" { restores += 1 }
    case "end": states[line[1]] = (line[2], [])
    case "set-aside": kept.append(line[1])
    default: break
    }
  }

  /// What is missing or wrong; nil where all is well.
  mutating func fault(isLast: Bool) throws -> String? {
    if let fault = try faultOfKept() { return fault }
    let gone = states.keys.first { states[$0]?.said != nil && !isThere($0) }
    if let gone { return "\(gone) is gone" }
    for name in touched.sorted() {
      // Looking at a registry brings its journal in: sometimes that is left to the next process.
      if name == "restored", !isLast, Bool.random() { continue }
      touched.remove(name)
      let (said, begun) = states[name] ?? (nil, [])
      let now: String?
      do { now = try state(of: name) } catch { return "\(name): \(error)" }
      guard now == said || begun.contains(where: { isState(now, $0) }) || isState(now, said) else {
        return "\(name) is at \(now ?? "nothing"), was said to be at \(said ?? "nothing"), \(begun)"
      }
      states[name] = (now, [])
    }
    return try faultOfScratch(isLast: isLast)
  }

  /// Whether a file at `now` is at `state`: `after-4-TIME` is any with one line of the audit more.
  private func isState(_ now: String?, _ state: String?) -> Bool {
    guard let now, let state else { return now == state }
    guard state.hasPrefix("after-") else { return now == state }
    let number = { (text: Substring?) in text.flatMap { Int($0) } ?? 0 }
    return number(now.split(separator: "-").first) == number(state.split(separator: "-")[1]) + 1
  }

  /// The state of the file, opened, checked and read whole; nil where there is none.
  private func state(of name: String) throws -> String? {
    guard isThere(name) else { return nil }
    let file = "\(path).\(name)"
    if name.hasSuffix(".bundle") { return try stateOfBundle(file) }
    guard name == "backup" else { return try stateOfRegistry(file) }
    // A backup is what can be restored; opened as a registry it would change.
    let trial = path + ".trial"
    try Registry.restore(file, to: trial, replacing: true)
    defer { try? FileManager.default.removeItem(atPath: trial) }
    return try stateOfRegistry(trial)
  }

  private func isThere(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path).\(name)")
  }

  private func stateOfRegistry(_ file: String) throws -> String {
    let registry = try Registry(path: file, create: false)
    let report = try registry.verify()
    guard report.isSound else { throw RegistryError(.damaged, "\(report)") }
    let schema = try registry.read { try Self.schema(of: $0) }
    guard try schema == Registry(path: ":memory:").read({ try Self.schema(of: $0) }) else {
      throw RegistryError(.damaged, "not the tables of today")
    }
    return try registry.read { database in
      try database.first("SELECT id || '-' || at FROM audit ORDER BY id DESC LIMIT 1") {
        try $0.text()
      }
    } ?? "0"
  }

  private static func schema(of database: Database) throws -> [String] {
    try database.all("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql") {
      try $0.text()
    }
  }

  private func stateOfBundle(_ file: String) throws -> String {
    let registry = try Registry(path: ":memory:")
    try registry.addBase(KillTests.base)
    let done = try registry.importBundle(file) { version, weights in
      guard Digest.of(weights) == version.weights else {
        throw RegistryError(.damaged, "\(version.reference) has other weights")
      }
    }
    return done.versions.map(\.version.digest.short).sorted().joined(separator: ",")
  }

  /// What gave way to a restore is kept whole, and no restore leaves more than that.
  private mutating func faultOfKept() throws -> String? {
    let found = try names().filter { $0.contains(".before-restore-") }
    if let lost = kept.first(where: { !found.contains($0) }) { return "\(lost) is gone" }
    if found.count > restores { return "\(restores) restores left \(found)" }
    for name in found {
      let file = folder.appendingPathComponent(name)
      let faults = try Database(still: file.path).all("PRAGMA integrity_check") { try $0.text() }
      if faults != ["ok"] { return "\(name): \(faults)" }
      try FileManager.default.removeItem(at: file)
    }
    (kept, restores) = ([], 0)
    return nil
  }

  /// A killed process leaves one scratch file for a place, and the next call for that place takes it away.
  private func faultOfScratch(isLast: Bool) throws -> String? {
    if isLast {
      let registry = try Registry(path: path)
      try registry.backup(to: path + ".backup", replacing: true)
      try Registry.restore(path + ".backup", to: path + ".restored", replacing: true)
      for letter in ["a", "b", "c", "d"] where states[letter + ".bundle"] != nil {
        try registry.exportBundle("acme/\(letter)", to: "\(path).\(letter).bundle", replacing: true)
      }
    }
    let scratch = try names().filter { $0.contains(".part-") && !$0.hasSuffix("-journal") }
    let places = Set(scratch.map { $0.components(separatedBy: ".part-")[0] })
    return scratch.count > (isLast ? 0 : places.count) ? "left lying about: \(scratch)" : nil
  }

  private var folder: URL { URL(fileURLWithPath: path).deletingLastPathComponent() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path)
  }
}
