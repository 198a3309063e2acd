import Digests
import Registry

extension Storm {
  /// Exports one version of an adapter or all of them, and takes the bundle in here or in the second registry.
  mutating func exchange(_ letter: String) throws {
    let name = "acme/\(letter)"
    guard var versions = try? registry.versions(of: name), let one = versions.randomElement() else {
      return
    }
    let isAll = Int.random(in: 0..<3, using: &random) > 0
    if !isAll { versions = [one] }
    let place = "\(letter).bundle"
    let state = versions.map(\.digest.short).sorted().joined(separator: ",")
    acknowledge("begin", place, state)
    try registry.exportBundle(
      isAll ? name : one.reference, all: isAll, to: "\(path).\(place)", replacing: true)
    acknowledge("end", place, state)
    if Bool.random(using: &random) {
      try take(versions, from: place, into: registry, as: "copy/\(letter)")
    } else {
      try take(versions, from: place, into: second, as: "second/\(letter)")
    }
  }

  private func take(
    _ versions: [VersionRecord], from place: String, into target: Registry, as name: String
  ) throws {
    let known = Set((try? target.versions(of: name))?.map(\.digest) ?? [])
    let evaluations = try versions.reduce(into: [Int: Int]()) { counts, version in
      counts[version.number] = try registry.evaluations(
        of: .version(adapter: version.adapter, number: version.number)
      ).count
    }
    func facts(_ version: VersionRecord, bundled number: Int) -> String {
      "\(version.number):\(version.digest.hex):\(version.weights.hex):\(evaluations[number] ?? 0)"
    }
    // Those that the name has already are none of the call's doing.
    let new = versions.filter { !known.contains($0.digest) }
    acknowledge(
      "importing", name, new.map { facts($0, bundled: $0.number) }.joined(separator: ","))
    let done = try target.importBundle("\(path).\(place)", name: name) { version, weights in
      guard Digest.of(weights) == version.weights else {
        throw RegistryError(.damaged, "\(version.reference) has other weights in the bundle")
      }
    }
    acknowledge(
      "imported", name,
      done.versions.map { facts($0.version, bundled: $0.bundledNumber) }.joined(separator: ","))
  }
}
