import Digests
import Foundation
import Registry

/// What must be in the registries, from what the process said: names in `second/` lie in the second one.
struct KillTruth {
  /// What is known of a version.
  private enum Fate {
    case there(weights: String)
    /// Perhaps it has been removed.
    case unknown
    case removed
  }

  private var versions: [String: Fate] = [:]
  /// Where an alias points, by adapter, and where a move that was begun would have it point.
  private var aliases: [String: (said: Int?, begun: Int?)] = [:]
  /// How many evaluations of `name@number` were acknowledged.
  private var evaluations: [String: Int] = [:]
  private var checkpoint: (run: Int, step: Int, digest: String)?
  /// The import that was begun and has not returned.
  private var begun: (name: String, versions: [ImportedVersion])?

  mutating func hear(_ line: [String]) {
    switch line[0] {
    case "running": checkpoint = nil
    case "published":
      versions[line[1]] = .there(weights: line[2])
      checkpoint = nil
    case "moving": aliases[line[1], default: (nil, nil)].begun = Int(line[2])
    case "alias": aliases[line[1]] = (Int(line[2]), nil)
    case "evaluated": evaluations[line[1], default: 0] += 1
    case "run": checkpoint = nil
    case "checkpoint": checkpoint = (Int(line[1]) ?? 0, Int(line[2]) ?? 0, line[3])
    case "removing": versions[line[1]] = .unknown
    case "removed": versions[line[1]] = .removed
    case "kept": versions[line[1]] = .there(weights: line[2])
    case "importing": begun = (line[1], ImportedVersion.all(in: line.dropFirst(2).first))
    case "imported":
      begun = nil
      for version in ImportedVersion.all(in: line.dropFirst(2).first) {
        keep(version, as: "\(line[1])@\(version.number)")
      }
    default: break
    }
  }

  private mutating func keep(_ version: ImportedVersion, as reference: String) {
    versions[reference] = .there(weights: version.weights)
    evaluations[reference] = max(evaluations[reference, default: 0], version.evaluations)
  }

  /// What is missing or wrong; nil where all is well.
  mutating func fault(in path: String, isLast: Bool) throws -> String? {
    let here = try Registry(path: path)
    let there = try Registry(path: path + ".second")
    let home = { (name: String) in name.hasPrefix("second/") ? there : here }
    for registry in [here, there] {
      let faults = try registry.read { try $0.all("PRAGMA integrity_check") { try $0.text() } }
      if faults != ["ok"] { return "integrity: \(faults)" }
    }
    if let fault = faultOfImport(home) ?? faultOfVersions(home) ?? faultOfAliases(here) {
      return fault
    }
    if let fault = try faultOfEvaluations(home) ?? faultOfRuns(here) { return fault }
    for registry in [here, there] {
      let lying = try registry.collect(stoppedBefore: Date(timeIntervalSince1970: 0), isDry: true)
      if !lying.isEmpty { return "left lying about: \(lying)" }
      if isLast, try !registry.verify().isSound { return "\(try registry.verify())" }
    }
    return nil
  }

  /// An import that has not returned brought all of its new versions or none.
  private mutating func faultOfImport(_ home: (String) -> Registry) -> String? {
    guard let (name, brought) = begun else { return nil }
    begun = nil
    let found = (try? home(name).versions(of: name)) ?? []
    let references = Dictionary(found.map { ($0.digest.hex, $0.reference) }) { first, _ in first }
    let there = brought.filter { references[$0.digest] != nil }
    guard there.isEmpty || there.count == brought.count else {
      return "\(name) has \(there.count) of the \(brought.count) versions of one import"
    }
    for version in there { keep(version, as: references[version.digest] ?? "") }
    return nil
  }

  private func faultOfVersions(_ home: (String) -> Registry) -> String? {
    for (reference, fate) in versions {
      let version = try? home(reference).version(reference)
      switch fate {
      case .there(let weights):
        guard let version else { return "\(reference) is gone" }
        if version.weights.hex != weights { return "\(reference) has other weights" }
      case .removed: if version != nil { return "\(reference) is back" }
      case .unknown: break
      }
    }
    return nil
  }

  private mutating func faultOfAliases(_ registry: Registry) -> String? {
    for (name, alias) in aliases {
      let now = try? registry.aliases(of: name).first?.version
      guard now == alias.said || now == alias.begun else {
        return "\(name):production is \(now ?? 0), was said to be \(alias)"
      }
      aliases[name] = (now, nil)
    }
    return nil
  }

  private func faultOfEvaluations(_ home: (String) -> Registry) throws -> String? {
    for (reference, count) in evaluations {
      switch versions[reference] {
      case .unknown, .removed: continue
      case .there, nil: break
      }
      let version = try home(reference).version(reference)
      let kept = try home(reference).evaluations(
        of: .version(adapter: version.adapter, number: version.number))
      if kept.count < count { return "\(reference) lost an evaluation" }
    }
    return nil
  }

  private func faultOfRuns(_ registry: Registry) throws -> String? {
    try registry.markInterruptedRuns()
    let open = try registry.runs().filter { $0.status == .running }
    if !open.isEmpty { return "run \(open[0].id) of a dead process is running" }
    guard let checkpoint, try registry.run(checkpoint.run).status == .interrupted else {
      return nil
    }
    guard let newest = try registry.newestCheckpoint(ofRun: checkpoint.run) else {
      return "run \(checkpoint.run) lost its checkpoints"
    }
    let isNext = newest.record.step == checkpoint.step + 1
    let isSaid =
      newest.record.step == checkpoint.step && newest.record.state.hex == checkpoint.digest
    return isNext || isSaid ? nil : "run \(checkpoint.run) is back at step \(newest.record.step)"
  }
}

/// A version as the lines about an import tell of it.
private struct ImportedVersion {
  let number, digest, weights: String
  let evaluations: Int

  /// Those of `NUMBER:DIGEST:WEIGHTS:EVALUATIONS,…`.
  static func all(in word: String?) -> [ImportedVersion] {
    (word ?? "").split(separator: ",").map { $0.split(separator: ":").map(String.init) }.map {
      ImportedVersion(number: $0[0], digest: $0[1], weights: $0[2], evaluations: Int($0[3]) ?? 0)
    }
  }
}
